"""Questions from a JSON Lines file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.files import FileSource, question_from


class JsonlSource(FileSource):
    """Questions from a JSON Lines file: question, answer or answers, and more if there is."""

    version: ClassVar[int] = 2

    def rows(self) -> Iterator[tuple[Question, str | None]]:
        for number, place, row in self.values():
            where = f"{self.path}, {place}"
            if not isinstance(row, dict):
                raise DataError(f"{where}: must be an object with a question and its answer")
            yield question_from(row, where, number)
