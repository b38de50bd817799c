"""Questions from a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from pydantic import Field

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.files import FileSource, question_from


class CsvSource(FileSource):
    """Questions from a CSV file with a header: question, answer, and more if there is."""

    separator: str = Field("|", min_length=1, description="between several answers in one cell")

    def rows(self) -> Iterator[tuple[Question, str | None]]:
        reader = csv.DictReader(io.StringIO(self.text(), newline=""), strict=True)
        try:
            columns = set(reader.fieldnames or [])
            if not {"question", "prompt"} & columns or not {"answer", "answers"} & columns:
                raise DataError(
                    f"{self.path}, line 1: the header must name 'question' and 'answer' "
                    f"(got {', '.join(reader.fieldnames or [])})"
                )
            for number, row in enumerate(reader, 1):
                where = f"{self.path}, line {reader.line_num}"
                if None in row:
                    raise DataError(f"{where}: more cells than the header has columns")
                cells: dict[str, object] = {
                    name: cell.split(self.separator) if name.endswith("answers") and cell else cell
                    for name, cell in row.items()
                }
                yield question_from(cells, where, number)
        except csv.Error as error:
            raise DataError(
                f"{self.path}, line {reader.reader.line_num}: not CSV: {error}"
            ) from None
