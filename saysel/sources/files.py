"""Questions from files with saysel's own columns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from saysel.errors import DataError
from saysel.files.accepted_answers import accepted_answers
from saysel.files.content import digest
from saysel.files.table import Table
from saysel.files.tables import Kind, read_table
from saysel.interfaces import ContentHashed
from saysel.records import Question
from saysel.sources.splits import SPLITS, HashSplitSource

#: What to do if there is no such file.
ADVICE = "set source.path"


class FileSource(HashSplitSource):
    """A file of questions. A row names its split (`split`), or is assigned to one by a hash."""

    #: What the file contains, whatever its extension.
    contains: ClassVar[Kind]

    path: ContentHashed[Path] = Field(description="the file; only its content counts")

    @property
    def origin(self) -> str:
        return str(self.path)

    def digest(self) -> str:
        return digest(self.path, ADVICE)

    @abstractmethod
    def rows(self) -> Iterable[tuple[Question, str | None]]:
        """Every question of the file with the split it names.

        Raises:
            DataError: the file cannot be read, or a row is not a question.
        """

    def candidates(self, split: str) -> Iterable[tuple[Question, str | None]]:
        return self.rows()

    def table(self) -> Table:
        """The file's rows; see `saysel.files.tables.read_table`."""
        return read_table(self.path, self.contains, ADVICE)


def question_from(
    row: Mapping[str, Any], where: str, number: int, separator: str | None = None
) -> tuple[Question, str | None]:
    """A question and its split from a row with the columns of the jsonl and csv sources.

    The columns are `question` (or `prompt`), `answers` or `answer`, and optionally `id`,
    `wrong_answers`, `split` and `meta`. Answers may have any shape that
    `saysel.files.accepted_answers` reads.

    Args:
        number: the id of a row without one.
        separator: splits a text under `answers` or `wrong_answers` into several.

    Raises:
        DataError: a column is missing or has the wrong type.
    """
    prompt = row.get("question", row.get("prompt"))
    if not isinstance(prompt, str) or not prompt.strip():
        raise DataError(f"{where}: it has no question: give it a text under 'question'")
    column = "answers" if "answers" in row else "answer"
    answers = accepted_answers(
        row.get(column), column, where, separator if column == "answers" else None
    )
    if not answers:
        raise DataError(f"{where}: the question has no answer: give it a text under 'answer'")
    split = row.get("split") or None
    if split is not None and split not in SPLITS:
        raise DataError(f"{where}: there is no split '{split}': use {', '.join(SPLITS)}")
    meta = row.get("meta") or {}
    if not isinstance(meta, dict):
        raise DataError(f"{where}: 'meta' must be a mapping")
    id = row.get("id")
    wrong = accepted_answers(row.get("wrong_answers"), "wrong_answers", where, separator)
    question = Question(
        id=str(number) if id in (None, "") else str(id),
        prompt=prompt,
        answers=answers,
        wrong_answers=wrong,
        meta=meta,
    )
    return question, split
