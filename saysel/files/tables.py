"""Tables: named columns and rows, read from CSV, TSV, JSON, JSON Lines or Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from saysel.errors import DataError
from saysel.files.content import SPREADSHEETS, decoded, read_bytes, suffix, unpacked
from saysel.files.csv_rows import csv_rows
from saysel.files.json_rows import json_rows
from saysel.files.parquet_rows import parquet_rows
from saysel.files.values import absent

Row = Mapping[str, Any]
Kind = Literal["csv", "json", "parquet"]

#: File extensions and what they contain; `csv` is any delimited text.
KINDS: dict[str, Kind] = {
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    ".parquet": "parquet",
}


@dataclass(frozen=True)
class Table:
    """Rows with named columns, and where each row is, for messages.

    Attributes:
        name: the file's path as given, or what messages call a table from memory.
        columns: the names that its rows use, in order of appearance.
        rows: the values of each row by column.
        places: where each row is: `line 7`, `entry 7` of a list, `row 7`.
        numbers: the same as a number, from 1.
        delimited: whether it is from delimited text, so that every value is a string.
    """

    name: str
    columns: tuple[str, ...]
    rows: list[Row]
    places: list[str]
    numbers: list[int]
    delimited: bool = False

    def where(self, index: int) -> str:
        """A row's table and place, as messages begin."""
        return f"{self.name}, {self.places[index]}"

    def empty(self, column: str) -> bool:
        """Whether no row has a value in a column."""
        return all(absent(row.get(column)) for row in self.rows)


def kind_of(path: Path) -> Kind | None:
    """What a file's extension says it contains, `.gz` aside; `None` if it is not a known one."""
    return KINDS.get(suffix(path))


def read_table(path: Path, kind: Kind | None = None, advice: str = "check the path") -> Table:
    """Read a file; if its name ends in `.gz`, it is decompressed.

    Args:
        kind: what it contains; `None`: what its extension says.
        advice: what to do if there is no such file.

    Raises:
        DataError: it cannot be read, has no rows, or has a broken row (named by its line).
    """
    if suffix(path) in SPREADSHEETS:
        raise DataError(f"{path}: a spreadsheet: save the table as CSV")
    content = read_bytes(path, advice)
    kind = kind or kind_of(path)
    if kind is None:
        raise DataError(f"{path}: a file must end in {', '.join(KINDS)}, or one of these with .gz")
    content = unpacked(content, path)
    if kind == "parquet":
        table = _from_parquet(content, path)
    elif kind == "csv":
        table = _from_csv(decoded(content, path), path)
    else:
        table = _from_json(decoded(content, path), path)
    if not table.rows:
        raise DataError(f"{path}: the file has no rows")
    return table


def _from_parquet(content: bytes, path: Path) -> Table:
    columns, rows = parquet_rows(content, path)
    numbers = list(range(1, len(rows) + 1))
    return Table(str(path), columns, list(rows), [f"row {n}" for n in numbers], numbers)


def _from_csv(text: str, path: Path) -> Table:
    columns, lines = csv_rows(text, path)
    return Table(
        str(path),
        columns,
        rows=[row for _, row in lines],
        places=[f"line {number}" for number, _ in lines],
        numbers=[number for number, _ in lines],
        delimited=True,
    )


def _from_json(text: str, path: Path) -> Table:
    values = json_rows(text, path)
    columns: dict[str, None] = {}
    for located in values:
        if not isinstance(located.value, dict):
            raise DataError(
                f"{path}, {located.place}: must be an object with a value for each column"
            )
        columns.update(dict.fromkeys(located.value))
    return Table(
        str(path),
        tuple(columns),
        rows=[located.value for located in values],
        places=[located.place for located in values],
        numbers=[located.number for located in values],
    )
