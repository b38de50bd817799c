"""The records of a stage as numbered Parquet files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from saysel.errors import DamagedFile
from saysel.storage.atomic import discard, intact, write_checked
from saysel.storage.codecs import decode, encode, readable_as, schema
from saysel.storage.markers import verify


class Shards:
    """The Parquet shards of one stage, all of one record type, numbered from 0."""

    def __init__(self, directory: Path, record: type[Any]) -> None:
        self.directory = directory
        self.record = record

    def path(self, number: int) -> Path:
        """The file of a shard, which need not exist."""
        return self.directory / f"part-{number:05}.parquet"

    def has(self, number: int) -> bool:
        """Whether a shard is stored, with the content that was written."""
        return intact(self.path(number))

    def missing(self, count: int) -> list[int]:
        """The numbers from 0 to `count` - 1 of the shards that are not stored yet.

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
        if not readable_as(self.record, table.schema):
            raise DamagedFile(path, "written by another version of saysel", remedy)
        for row in rows:
            yield decode(self.record, row)


def read_records(directory: Path, record: type[Any]) -> Iterator[Any]:
    """The records of a finished directory.

    Raises:
        DamagedFile: they are not what was written.
    """
    verify(directory)
    return iter(Shards(directory, record))
