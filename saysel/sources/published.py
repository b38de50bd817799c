"""Question sets that the literature evaluates on: from the hub, or from a file of yours."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from saysel.data_file import csv_file
from saysel.errors import DataError
from saysel.interfaces import Digested
from saysel.records import Question
from saysel.sources.files import question_json, read_bytes, read_text
from saysel.sources.hub import RemoteSource
from saysel.sources.splits import words


class PublishedSource(RemoteSource):
    """A set with columns of its own, read from the hub at a commit, or from a file.

    A file is JSON, JSON Lines, CSV or Parquet, and is dealt out to all splits by `shares`.
    """

    otherwise: ClassVar[str] = ", or under `path` a file with the set"

    path: Digested[Path | None] = Field(
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

    def size(self, split: str) -> int | None:
        return super().size(split) if self.path is None else None

    def digest(self) -> str:
        if self.path is None:
            return super().digest()
        return hashlib.sha256(read_bytes(self.path)).hexdigest()

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
    if path.suffix == ".parquet":
        yield from _parquet(path)
        return
    text = read_text(path)
    rows: Iterable[Any] = csv_file(path, text).rows if path.suffix == ".csv" else _json(path, text)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise DataError(f"{path}, entry {number}: must be an object")
        yield row


def _json(path: Path, text: str) -> Iterable[Any]:
    """A list, an object that holds one (`Data`, as TriviaQA has it), or an object a line."""
    try:
        content = question_json(text, path)
    except DataError:
        if not text.lstrip().startswith("{"):
            raise
        return _lines(path, text)
    if isinstance(content, dict):
        lists = [content[key] for key in ("Data", "data") if isinstance(content.get(key), list)]
        return lists[0] if lists else [content]
    if not isinstance(content, list):
        raise DataError(f"{path}: must be a JSON list of questions, or one object a line")
    return content


def _lines(path: Path, text: str) -> Iterator[Any]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield question_json(line, path, number)


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(io.BytesIO(read_bytes(path))).iter_batches():
            yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise DataError(f"{path}: not Parquet ({error})") from None


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
