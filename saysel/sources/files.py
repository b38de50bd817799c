"""Questions from files of our own columns."""

from __future__ import annotations

import hashlib
import json
import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from saysel.errors import DataError
from saysel.files.accepted_answers import accepted_answers
from saysel.files.content import decoded, read_bytes, unpacked
from saysel.files.json_rows import Located, json_rows
from saysel.interfaces import ContentHashed
from saysel.records import Question
from saysel.sources.splits import SPLITS, DealtSource

#: What JSON can spell and no text can hold.
SURROGATE = re.compile("[\ud800-\udfff]")
MISSING_FILE = "set source.path"


class FileSource(DealtSource):
    """A file of questions; a row says its split itself (`split`), or it is dealt out."""

    path: ContentHashed[Path] = Field(description="the file; what counts is its content")

    @property
    def origin(self) -> str:
        return str(self.path)

    def digest(self) -> str:
        return hashlib.sha256(read_bytes(self.path, MISSING_FILE)).hexdigest()

    @abstractmethod
    def rows(self) -> Iterable[tuple[Question, str | None]]:
        """Every question of the file with the split it names.

        Raises:
            DataError: the file cannot be read, or a row is not a question.
        """

    def candidates(self, split: str) -> Iterable[tuple[Question, str | None]]:
        return self.rows()

    def text(self) -> str:
        """The file's content; see `read_text`."""
        return read_text(self.path)

    def values(self) -> list[Located]:
        """The file's JSON values; see `read_json_values`."""
        return read_json_values(self.path)


def read_text(path: Path) -> str:
    """A file's content as text, decompressed if its name ends in .gz.

    Raises:
        DataError: it cannot be read, is empty, or is not UTF-8.
    """
    text = decoded(unpacked(read_bytes(path, MISSING_FILE), path), path)
    if not text.strip():
        raise DataError(f"{path}: the file is empty: it needs a question a line")
    return text


def read_json_values(path: Path) -> list[Located]:
    """The values of a JSON or JSON Lines file.

    Raises:
        DataError: see `read_text` and `saysel.files.json_rows.json_rows`; or a text contains half
            of a surrogate pair, which no tokenizer takes.
    """
    text = read_text(path)
    values = json_rows(text, path)
    if "\\ud" not in text.lower():
        return values
    for _, place, value in values:
        if half := SURROGATE.search(json.dumps(value, ensure_ascii=False)):
            raise DataError(
                f"{path}, {place}: half of a character (\\u{ord(half[0]):04x}): fix or remove it"
            )
    return values


def question_from(
    row: Mapping[str, Any], where: str, number: int, separator: str | None = None
) -> tuple[Question, str | None]:
    """A question from a row with the columns of the jsonl and csv sources.

    `question` (or `prompt`), `answers` or `answer`, and optionally `id`, `wrong_answers`,
    `split` and `meta`. Answers may have any shape that `saysel.files.accepted_answers` reads.

    Args:
        separator: divides a text under `answers` or `wrong_answers` into several.

    Raises:
        DataError: a column is missing or has the wrong type.
    """
    prompt = row.get("question", row.get("prompt"))
    if not isinstance(prompt, str) or not prompt.strip():
        raise DataError(f"{where}: it has no question: give it a text under 'question'")
    column = "answers" if "answers" in row else "answer"
    divided = separator if column == "answers" else None
    answers = accepted_answers(row.get(column), column, where, divided)
    if not answers:
        raise DataError(f"{where}: the question has no answer: give it a text under 'answer'")
    split = row.get("split") or None
    if split is not None and split not in SPLITS:
        raise DataError(f"{where}: there is no split '{split}': use {', '.join(SPLITS)}")
    meta = row.get("meta") or {}
    if not isinstance(meta, dict):
        raise DataError(f"{where}: 'meta' must be a mapping")
    name = row.get("id")
    wrong = accepted_answers(row.get("wrong_answers"), "wrong_answers", where, separator)
    return (
        Question(
            id=str(number) if name in (None, "") else str(name),
            prompt=prompt,
            answers=answers,
            wrong_answers=wrong,
            meta=meta,
        ),
        split,
    )
