"""Atomic, sharded Parquet and JSON, and completion markers.

A file appears whole or not at all: it is written under another name beside its place, flushed,
and renamed. A stage's directory counts only once its `done.json` is there.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from saysel.errors import StageError
from saysel.records import (
    Cluster,
    Example,
    Grade,
    Meaning,
    Message,
    Prediction,
    Question,
    Rationale,
    Reflection,
    Response,
)

if TYPE_CHECKING:
    import pyarrow as pa

Record = TypeVar("Record")
DONE = "done.json"


def write_atomically(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a file that then takes the place of `path` in one step.

    Raises:
        StageError: the disk is full or cannot be written; nothing is left behind.
    """
    # A killed process leaves it behind, and the next write takes it over: a run directory has
    # one writer at a time.
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):  # the trouble itself is what has to be told
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise disk_trouble(error, path) from error
        raise


def disk_trouble(error: OSError, path: Path) -> StageError:
    """The line that tells what is wrong with the disk."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StageError(
            f"{path}: the disk is full; what was finished is kept: make room and run again"
        )
    return StageError(f"{path}: cannot be written ({error.strerror or error}); run again then")


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8."""
    write_atomically(path, lambda file: file.write(text.encode()))


def write_json(path: Path, value: object) -> None:
    """Write indented JSON; NaN is refused."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


class Shards:
    """The Parquet shards of one stage, all of one record type, numbered from 0."""

    def __init__(self, directory: Path, record: type[Any]) -> None:
        self.directory = directory
        self.record = record

    def path(self, number: int) -> Path:
        """Where a shard lies or will lie."""
        return self.directory / f"part-{number:05}.parquet"

    def has(self, number: int) -> bool:
        """Whether a shard is there; if so, it is whole."""
        return self.path(number).is_file()

    def write(self, number: int, records: Sequence[Any]) -> None:
        """Write one shard."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [encode(record) for record in records]
        table = pa.Table.from_pylist(rows, schema=schema(self.record))
        write_atomically(self.path(number), lambda file: pq.write_table(table, file))

    def read(self, number: int) -> Iterator[Any]:
        """The records of one shard."""
        return self._in(self.path(number))

    def __iter__(self) -> Iterator[Any]:
        for path in sorted(self.directory.glob("part-*.parquet")):
            yield from self._in(path)

    def _in(self, path: Path) -> Iterator[Any]:
        import pyarrow.parquet as pq

        for row in pq.ParquetFile(path).read().to_pylist():
            yield decode(self.record, row)


def finish(directory: Path, record: Mapping[str, Any]) -> None:
    """Mark a stage's directory as done."""
    write_json(directory / DONE, record)


def finished(directory: Path) -> dict[str, Any] | None:
    """What `finish` recorded, `None` if the stage is not done."""
    path = directory / DONE
    if not path.is_file():
        return None
    record: dict[str, Any] = read_json(path)
    return record


# ------------------------------------------------------------------ records to rows and back

_RESPONSE = ("question_id", "index", "text", "answer", "tokens", "logprob", "finish_reason")


def schema(record: type[Any]) -> pa.Schema:
    """The Parquet schema of a record type."""
    import pyarrow as pa

    text, number, whole = pa.string(), pa.float64(), pa.int64()
    message = pa.struct({"role": text, "content": text})
    response = pa.struct(
        dict(zip(_RESPONSE, (text, whole, text, text, whole, number, text), strict=True))
    )
    meaning = pa.struct({"wordings": pa.list_(text), "share": number, "own": pa.bool_()})
    columns: dict[type[Any], dict[str, pa.DataType]] = {
        Question: {
            "id": text,
            "prompt": text,
            "answers": pa.list_(text),
            "wrong_answers": pa.list_(text),
            "meta": text,
        },
        Response: {field.name: field.type for field in response},
        Cluster: {
            "question_id": text,
            "members": pa.list_(whole),
            "representative": response,
            "share": number,
        },
        Rationale: {"question_id": text, "text": text},
        Example: {
            "question_id": text,
            "prompt": pa.list_(message),
            "completion": text,
            "confidence": number,
        },
        Prediction: {
            "question_id": text,
            "response": text,
            "answer": text,
            "rationale": text,
            "confidence": number,
            "correct": number,
            "tokens": whole,
            "shares": pa.list_(pa.struct({"answer": text, "share": number})),
            "finish_reason": text,
        },
        Reflection: {
            "question_id": text,
            "response": text,
            "answer": text,
            "rationale": text,
            "correct": number,
            "tokens": whole,
            "samples": whole,
            "meanings": pa.list_(meaning),
            "kept": number,
            "dropped": number,
            "swapped": number,
        },
        Grade: {"question_id": text, "grade": number},
    }
    return pa.schema(columns[record])


def encode(record: Any) -> dict[str, Any]:
    """A record as a Parquet row."""
    row = dict(vars(record))
    if isinstance(record, Question):
        row["meta"] = json.dumps(record.meta, ensure_ascii=False)
    elif isinstance(record, Cluster):
        row["representative"] = vars(record.representative)
    elif isinstance(record, Prediction):
        row["shares"] = [
            {"answer": answer, "share": share} for answer, share in record.shares.items()
        ]
    elif isinstance(record, Reflection):
        row["meanings"] = [vars(meaning) for meaning in record.meanings]
    return row


def decode(record: type[Record], row: dict[str, Any]) -> Record:
    """The record that a Parquet row came from."""
    if record is Question:
        row["meta"] = json.loads(row["meta"])
        row["answers"] = tuple(row["answers"])
        row["wrong_answers"] = tuple(row["wrong_answers"])
    elif record is Cluster:
        row["members"] = tuple(row["members"])
        row["representative"] = Response(**row["representative"])
    elif record is Example:
        row["prompt"] = tuple(cast(Message, message) for message in row["prompt"])
    elif record is Prediction:
        row["shares"] = {pair["answer"]: pair["share"] for pair in row["shares"]}
    elif record is Reflection:
        row["meanings"] = tuple(
            Meaning(tuple(one["wordings"]), one["share"], one["own"]) for one in row["meanings"]
        )
    return record(**row)
