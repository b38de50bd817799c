"""Questions from a JSON Lines file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.files import FileSource, question_from

#: What JSON can spell and no text can hold.
SURROGATE = re.compile("[\ud800-\udfff]")


class JsonlSource(FileSource):
    """Questions from a JSON Lines file: question, answer or answers, and more if there is."""

    def rows(self) -> Iterator[tuple[Question, str | None]]:
        for number, line in enumerate(self.text().split("\n"), 1):
            if not line.strip():
                continue
            where = f"{self.path}, line {number}"
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(
                    f"{where}: not JSON ({error.msg} at column {error.colno}): mend or remove "
                    "the line"
                ) from None
            if half := SURROGATE.search(json.dumps(row, ensure_ascii=False)):
                raise DataError(
                    f"{where}: half of a character (\\u{ord(half[0]):04x}): mend or remove the line"
                )
            if not isinstance(row, dict):
                raise DataError(f"{where}: must be an object with a question and its answer")
            yield question_from(row, where, number)
