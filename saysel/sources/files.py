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

from saysel.data_file import decoded, json_in
from saysel.errors import DataError
from saysel.interfaces import Digested
from saysel.records import Question
from saysel.sources.splits import SPLITS, DealtSource

#: What JSON can spell and no text can hold.
SURROGATE = re.compile("[\ud800-\udfff]")


class FileSource(DealtSource):
    """A file of questions; a row says its split itself (`split`), or it is dealt out."""

    path: Digested[Path] = Field(description="the file; what counts is its content")

    @property
    def origin(self) -> str:
        return str(self.path)

    def digest(self) -> str:
        return hashlib.sha256(read_bytes(self.path)).hexdigest()

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


def read_bytes(path: Path) -> bytes:
    """A file's content.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return path.expanduser().read_bytes()
    except IsADirectoryError:
        raise DataError(f"{path}: this is a directory: name a file") from None
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file: set source.path") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


def read_text(path: Path) -> str:
    """A file's content as text.

    Raises:
        DataError: it cannot be read, is empty, or is not UTF-8.
    """
    text = decoded(read_bytes(path), path)
    if not text.strip():
        raise DataError(f"{path}: the file is empty: it needs a question a line")
    return text


def question_json(text: str, path: Path, line: int | None = None) -> Any:
    """What a line of a file says, or all of it.

    Raises:
        DataError: it is no JSON, or spells half of a character.
    """
    found = json_in(text, path, line)
    if "\\ud" in text.lower() and (half := SURROGATE.search(json.dumps(found, ensure_ascii=False))):
        where = f"{path}, line {line}" if line else str(path)
        raise DataError(
            f"{where}: half of a character (\\u{ord(half[0]):04x}): mend or remove the line"
        )
    return found


def question_from(row: Mapping[str, Any], where: str, number: int) -> tuple[Question, str | None]:
    """A question from a row with the columns of the jsonl and csv sources.

    `question` (or `prompt`), `answers` or `answer`, and optionally `id`, `wrong_answers`,
    `split` and `meta`.

    Raises:
        DataError: a column is missing or has the wrong type.
    """
    prompt = row.get("question", row.get("prompt"))
    if not isinstance(prompt, str) or not prompt.strip():
        raise DataError(f"{where}: it has no question: give it a text under 'question'")
    answers = _texts(row.get("answers", row.get("answer")), where, "answers")
    if not answers:
        raise DataError(f"{where}: the question has no answer: give it a text under 'answer'")
    split = row.get("split") or None
    if split is not None and split not in SPLITS:
        raise DataError(f"{where}: there is no split '{split}': use {', '.join(SPLITS)}")
    meta = row.get("meta") or {}
    if not isinstance(meta, dict):
        raise DataError(f"{where}: 'meta' must be a mapping")
    name = row.get("id")
    return (
        Question(
            id=str(number) if name in (None, "") else str(name),
            prompt=prompt,
            answers=answers,
            wrong_answers=_texts(row.get("wrong_answers"), where, "wrong_answers"),
            meta=meta,
        ),
        split,
    )


def _texts(value: object, where: str, column: str) -> tuple[str, ...]:
    """One text or a list of them; numbers and truth values are written out."""
    if value is None:
        return ()
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float | bool) for item in values):
        raise DataError(f"{where}: '{column}' must be a text or a list of texts")
    return tuple(str(item) for item in values if str(item).strip())
