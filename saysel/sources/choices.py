"""Sets whose answer is one of a few words."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.published import PublishedSource


class ChoiceSource(PublishedSource):
    """A set of questions with one right answer among a few words."""

    def merged(self, first: Question, again: Question) -> Question | None:
        """Rows that disagree about one wording: nobody knows which is right, none is asked."""
        return first if first.answers == again.answers else None


def choice(value: object, choices: Sequence[str], where: str) -> str:
    """The choice that a value names, whatever its case; truth values are `true` and `false`.

    Raises:
        DataError: it names none.
    """
    named = str(value).strip().casefold()
    if named not in choices:
        raise DataError(f"{where}: the answer must be {' or '.join(choices)} (got {value!r:.40})")
    return named


def others(right: str, choices: Sequence[str]) -> tuple[str, ...]:
    """The choices that are wrong."""
    return tuple(one for one in choices if one != right)
