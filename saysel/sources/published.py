"""Question sets that the literature evaluates on: from the hub, or from a file of yours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from saysel.errors import DataError
from saysel.files.content import read_bytes, suffix, unpacked
from saysel.files.csv_rows import csv_rows
from saysel.files.parquet_rows import parquet_rows
from saysel.files.tables import DELIMITED, PARQUET
from saysel.interfaces import ContentHashed
from saysel.records import Question
from saysel.sources.files import MISSING_FILE, read_json_values, read_text
from saysel.sources.hub import RemoteSource
from saysel.sources.splits import words


class PublishedSource(RemoteSource):
    """A set with columns of its own, read from the hub at a commit, or from a file.

    A file is JSON, JSON Lines, CSV or Parquet, and is dealt out to all splits by `shares`.
    """

    otherwise: ClassVar[str] = ", or under `path` a file with the set"

    path: ContentHashed[Path | None] = Field(
        None, description="a file with the set, instead of the hub; what counts is its content"
    )
    shares: dict[str, float] = Field(
        {"train": 0.6, "rl": 0.2, "dev": 0.05, "heldout": 0.15},
        description="shares of the splits that are dealt out from one file or one split",
    )

    @property
    def origin(self) -> str:
        return self.repository if self.path is None else str(self.path)

    def on_hub(self) -> bool:
        return self.path is None and super().on_hub()

    def check_installed(self) -> None:
        if self.path is None:
            super().check_installed()

    def size(self, split: str) -> int | None:
        return super().size(split) if self.path is None else None

    def digest(self) -> str:
        if self.path is None:
            return super().digest()
        return hashlib.sha256(read_bytes(self.path, MISSING_FILE)).hexdigest()

    def dealt_among(self, split: str) -> Mapping[str, float]:
        return super().dealt_among(split) if self.path is None else self.shares

    def candidates(self, split: str) -> Iterator[tuple[Question, str | None]]:
        """From the hub: see above. From a file: one question per wording, rows merged."""
        if self.path is None:
            yield from super().candidates(split)
            return
        merged: dict[str, Question | None] = {}
        for number, row in enumerate(file_rows(self.path), 1):
            question = self.question(row, str(number), f"{self.path}, entry {number}")
            if question is None:
                continue
            key = words(question.prompt)
            first = merged.get(key, question)
            merged[key] = question if first is question else first and self.merged(first, question)
        if not any(merged.values()):
            raise DataError(f"{self.path}: there are no questions in it")
        for one in merged.values():
            if one is not None:
                yield one, None

    def merged(self, first: Question, again: Question) -> Question | None:
        """One question for two rows with the same wording: both answers are accepted."""
        answers = dict.fromkeys([*first.answers, *again.answers])
        wrong = dict.fromkeys([*first.wrong_answers, *again.wrong_answers])
        return replace(
            first,
            answers=tuple(answers),
            wrong_answers=tuple(one for one in wrong if one not in answers),
        )


def file_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """The rows of a file, as mappings; which kind of file it is, its name and content say.

    Raises:
        DataError: it cannot be read, or is no list of objects.
    """
    kind = suffix(path)
    rows: Iterable[Any]
    if kind == PARQUET:
        _, rows = parquet_rows(unpacked(read_bytes(path, MISSING_FILE), path), path)
    elif kind in DELIMITED:
        rows = (row for _, row in csv_rows(read_text(path), path)[1])
    else:
        rows = (value for _, _, value in read_json_values(path))
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise DataError(f"{path}, entry {number}: must be an object")
        yield row


def text_of(row: Mapping[str, Any], names: Sequence[str], where: str) -> str:
    """The text in the first of some columns that the row has.

    Raises:
        DataError: it has none of them, or no text there.
    """
    for name in names:
        if name in row:
            value = row[name]
            if not isinstance(value, str) or not value.strip():
                raise DataError(f"{where}: '{name}' must be a text (got {value!r:.40})")
            return value.strip()
    raise DataError(f"{where}: needs {' or '.join(map(repr, names))}, has {', '.join(row)}")


def each_once(values: Iterable[str]) -> tuple[str, ...]:
    """The texts that say something, stripped, each once, in order."""
    return tuple(dict.fromkeys(value.strip() for value in values if value and value.strip()))
