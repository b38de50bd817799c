"""Questions from a JSON Lines file."""

from __future__ import annotations

from collections.abc import Iterator

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.files import FileSource, question_from, question_json


class JsonlSource(FileSource):
    """Questions from a JSON Lines file: question, answer or answers, and more if there is."""

    def rows(self) -> Iterator[tuple[Question, str | None]]:
        for number, line in enumerate(self.text().split("\n"), 1):
            if not line.strip():
                continue
            where = f"{self.path}, line {number}"
            row = question_json(line, self.path, number)
            if not isinstance(row, dict):
                raise DataError(f"{where}: must be an object with a question and its answer")
            yield question_from(row, where, number)
