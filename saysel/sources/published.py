"""Question sets that the literature evaluates on: from the hub, or from a local file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from saysel.errors import DataError
from saysel.files.content import digest
from saysel.files.table import Table
from saysel.files.tables import kind_of, read_table
from saysel.interfaces import ContentHashed
from saysel.records import Question
from saysel.sources.files import ADVICE
from saysel.sources.hub import RemoteSource
from saysel.sources.splits import words


class PublishedSource(RemoteSource):
    """A question set with specific columns, read from the hub at a commit, or from a file.

    A file is JSON, JSON Lines, CSV or Parquet; its questions are assigned to splits by `shares`.
    """

    alternative: ClassVar[str] = ", or give a file with the set under `path`"

    path: ContentHashed[Path | None] = Field(
        None, description="a file with the set, instead of the hub; only its content counts"
    )
    shares: dict[str, float] = Field(
        {"train": 0.6, "rl": 0.2, "dev": 0.05, "heldout": 0.15},
        description="shares of the splits that are taken from the same file or published split",
    )

    @property
    def origin(self) -> str:
        return self.repository if self.path is None else str(self.path)

    def on_hub(self) -> bool:
        return self.path is None and super().on_hub()

    def check_installed(self) -> None:
        if self.path is None:
            super().check_installed()

    def size(self, split: str) -> int | None:
        return super().size(split) if self.path is None else None

    def digest(self) -> str:
        return super().digest() if self.path is None else digest(self.path, ADVICE)

    def shares_among(self, split: str) -> Mapping[str, float]:
        return super().shares_among(split) if self.path is None else self.shares

    def candidates(self, split: str) -> Iterator[tuple[Question, str | None]]:
        """From the hub, see `RemoteSource`; from a file, one question per wording."""
        if self.path is None:
            yield from super().candidates(split)
            return
        table = file_table(self.path)
        questions: dict[str, Question | None] = {}
        for index, row in enumerate(table.rows):
            question = self.question(row, str(index + 1), table.where(index))
            if question is None:
                continue
            wording = words(question.prompt)
            first = questions.get(wording, question)
            if first is question:
                questions[wording] = question
            elif first is not None:
                questions[wording] = self.merged(first, question)
        if not any(questions.values()):
            raise DataError(f"{self.path}: the file has no questions")
        yield from ((question, None) for question in questions.values() if question is not None)

    def merged(self, first: Question, again: Question) -> Question | None:
        """One question for two rows with the same wording: the answers of both are accepted."""
        answers = dict.fromkeys([*first.answers, *again.answers])
        wrong = dict.fromkeys([*first.wrong_answers, *again.wrong_answers])
        return replace(
            first,
            answers=tuple(answers),
            wrong_answers=tuple(answer for answer in wrong if answer not in answers),
        )


def file_table(path: Path) -> Table:
    """The rows of a file; if its extension is not a known one, it is read as JSON.

    Raises:
        DataError: see `saysel.files.tables.read_table`.
    """
    return read_table(path, kind_of(path) or "json", ADVICE)


def text_of(row: Mapping[str, Any], names: Sequence[str], where: str) -> str:
    """The text in the first of several columns that the row has.

    Raises:
        DataError: it has none of them, or no text there.
    """
    for name in names:
        if name in row:
            value = row[name]
            if not isinstance(value, str) or not value.strip():
                raise DataError(f"{where}: '{name}' must be a text (got {value!r:.40})")
            return value.strip()
    raise DataError(f"{where}: needs {' or '.join(map(repr, names))}, has {', '.join(row)}")
