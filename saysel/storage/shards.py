"""Records as Parquet: one shard at a time, and one schema per record type.

Atomic writes, JSON and completion markers are in `atomic` and `markers`, whose names can be
imported from here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from saysel.errors import DamagedFile
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
from saysel.storage.atomic import (
    discard,
    disk_trouble,
    intact,
    read_json,
    write_atomically,
    write_checked,
    write_json,
    write_text,
)
from saysel.storage.markers import (
    DONE,
    finish,
    finished,
    intact_record,
    read_record,
    verify,
    whole,
    write_record,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "DONE",
    "Shards",
    "decode",
    "discard",
    "disk_trouble",
    "encode",
    "finish",
    "finished",
    "intact",
    "intact_record",
    "read_json",
    "read_record",
    "schema",
    "verify",
    "whole",
    "write_atomically",
    "write_checked",
    "write_json",
    "write_record",
    "write_text",
]

Record = TypeVar("Record")


class Shards:
    """The Parquet shards of one stage, all of one record type, numbered from 0."""

    def __init__(self, directory: Path, record: type[Any]) -> None:
        self.directory = directory
        self.record = record

    def path(self, number: int) -> Path:
        """The file of a shard, which need not exist."""
        return self.directory / f"part-{number:05}.parquet"

    def has(self, number: int) -> bool:
        """Whether a shard is there, with the content that was written."""
        return intact(self.path(number))

    def missing(self, count: int) -> list[int]:
        """The shards from 0 to `count` - 1 that have yet to be written.

        Damaged shards and those with other numbers are deleted, so that reading all of them gives
        what was written and nothing else.
        """
        kept = {self.path(number) for number in range(count) if self.has(number)}
        for path in self.directory.glob("part-*.parquet"):
            if path not in kept:
                discard(path)
        return [number for number in range(count) if self.path(number) not in kept]

    def write(self, number: int, records: Sequence[Any]) -> None:
        """Write one shard."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rows = [encode(record) for record in records]
        table = pa.Table.from_pylist(rows, schema=schema(self.record))
        write_checked(self.path(number), lambda file: pq.write_table(table, file))

    def read(self, number: int) -> Iterator[Any]:
        """The records of one shard.

        Raises:
            DamagedFile: it cannot be read, or holds something else.
        """
        return self._in(self.path(number))

    def __iter__(self) -> Iterator[Any]:
        for path in sorted(self.directory.glob("part-*.parquet")):
            yield from self._in(path)

    def _in(self, path: Path) -> Iterator[Any]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        remedy = f"delete {self.directory} and run the recipe again"
        try:
            table = pq.ParquetFile(path).read()
            rows = table.to_pylist()
        except (pa.ArrowException, OSError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise DamagedFile(path, f"the file is damaged ({reason})", remedy) from error
        if not table.schema.equals(schema(self.record)):
            raise DamagedFile(path, "written by another version of saysel", remedy)
        for row in rows:
            yield decode(self.record, row)


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
            "distinct_texts": whole,
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
