"""Questions from a CSV file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from saysel.errors import DataError
from saysel.files.csv_rows import csv_rows
from saysel.records import Question
from saysel.sources.files import FileSource, question_from


class CsvSource(FileSource):
    """Questions from a CSV file with a header: question, answer, and more if there is."""

    version: ClassVar[int] = 2

    separator: str = Field("|", min_length=1, description="between several answers in one cell")

    def rows(self) -> Iterator[tuple[Question, str | None]]:
        columns, rows = csv_rows(self.text(), self.path)
        if not {"question", "prompt"} & set(columns) or not {"answer", "answers"} & set(columns):
            raise DataError(
                f"{self.path}, line 1: the header must name 'question' and 'answer' "
                f"(got {', '.join(columns)})"
            )
        for number, (line, row) in enumerate(rows, 1):
            yield question_from(row, f"{self.path}, line {line}", number, self.separator)
