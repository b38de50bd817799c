"""Question sets whose answers are a few fixed words."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.published import PublishedSource


class ChoiceSource(PublishedSource):
    """A question set whose correct answer is one of a few words."""

    def merged(self, first: Question, again: Question) -> Question | None:
        """None if two rows of one wording disagree: it is unknown which is right."""
        return first if first.answers == again.answers else None


def choice(value: object, choices: Sequence[str], where: str) -> str:
    """The choice that a value names, ignoring case; truth values are `true` and `false`.

    Raises:
        DataError: it names none.
    """
    name = str(value).strip().casefold()
    if name not in choices:
        raise DataError(f"{where}: the answer must be {' or '.join(choices)} (got {value!r:.40})")
    return name


def others(right: str, choices: Sequence[str]) -> tuple[str, ...]:
    """The wrong choices."""
    return tuple(choice for choice in choices if choice != right)
