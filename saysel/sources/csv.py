"""Questions from a CSV file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from saysel.errors import DataError
from saysel.files.tables import Kind
from saysel.records import Question
from saysel.sources.files import FileSource, question_from


class CsvSource(FileSource):
    """Questions from a CSV file with a header: `question`, `answer`, and optional columns."""

    version: ClassVar[int] = 2
    contains: ClassVar[Kind] = "csv"

    separator: str = Field("|", min_length=1, description="separates several answers in one field")

    def rows(self) -> Iterator[tuple[Question, str | None]]:
        table = self.table()
        columns = set(table.columns)
        if not {"question", "prompt"} & columns or not {"answer", "answers"} & columns:
            raise DataError(
                f"{self.path}, line 1: the header must name 'question' and 'answer' "
                f"(got {', '.join(table.columns)})"
            )
        for index, row in enumerate(table.rows):
            yield question_from(row, table.where(index), index + 1, self.separator)
