"""Questions from a JSON Lines file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from saysel.files.tables import Kind
from saysel.records import Question
from saysel.sources.files import FileSource, question_from


class JsonlSource(FileSource):
    """Questions from a JSON Lines file: `question`, `answer` or `answers`, and optional keys."""

    version: ClassVar[int] = 2
    contains: ClassVar[Kind] = "json"

    def rows(self) -> Iterator[tuple[Question, str | None]]:
        table = self.table()
        for index, row in enumerate(table.rows):
            yield question_from(row, table.where(index), table.numbers[index])
