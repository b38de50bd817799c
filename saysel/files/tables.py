"""Rows of a data file (CSV, TSV, JSON, JSON Lines, Parquet), each with its place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saysel.errors import DataError
from saysel.files.content import SPREADSHEETS, decoded, read_bytes, suffix, unpacked
from saysel.files.csv_rows import csv_rows
from saysel.files.json_rows import json_rows
from saysel.files.parquet_rows import parquet_rows
from saysel.files.values import absent

Row = Mapping[str, Any]

DELIMITED = (".csv", ".tsv")
JSON = (".json", ".jsonl", ".ndjson")
PARQUET = ".parquet"


@dataclass(frozen=True)
class DataFile:
    """A file that was read.

    Attributes:
        path: as given.
        columns: the names that its rows use, in order of appearance.
        rows: the values of each row by column, those of a CSV or TSV file as text.
        places: where each row is (`line 7`), for messages.
        numbers: the same as a number: the line, or the place in a list or table, from 1.
    """

    path: Path
    columns: tuple[str, ...]
    rows: list[Row]
    places: list[str]
    numbers: list[int]

    def where(self, index: int) -> str:
        """A row's file and place, as messages begin."""
        return f"{self.path}, {self.places[index]}"

    def empty(self, column: str) -> bool:
        """Whether no row has a value in a column."""
        return all(absent(row.get(column)) for row in self.rows)


def read(path: Path, advice: str = "check the path") -> DataFile:
    """Read a file; its ending says what it is, `.csv.gz` a compressed one.

    Args:
        advice: what to do if there is no such file.

    Raises:
        DataError: it cannot be read, has no rows, or a row is broken (named by its line).
    """
    kind = suffix(path)
    if kind in SPREADSHEETS:
        raise DataError(f"{path}: a spreadsheet: save the table as CSV")
    content = read_bytes(path, advice)
    if kind not in (*DELIMITED, *JSON, PARQUET):
        endings = ", ".join((*DELIMITED, *JSON, PARQUET))
        raise DataError(f"{path}: a file must end in {endings}, or one of these with .gz")
    file = _parsed(path, kind, unpacked(content, path))
    if not file.rows:
        raise DataError(f"{path}: there are no rows in it")
    return file


def _parsed(path: Path, kind: str, content: bytes) -> DataFile:
    if kind == PARQUET:
        columns, rows = parquet_rows(content, path)
        numbers = list(range(1, len(rows) + 1))
        return DataFile(path, columns, list(rows), [f"row {n}" for n in numbers], numbers)
    text = decoded(content, path)
    if kind in DELIMITED:
        columns, lines = csv_rows(text, path)
        numbers = [number for number, _ in lines]
        rows = [row for _, row in lines]
        return DataFile(path, columns, list(rows), [f"line {n}" for n in numbers], numbers)
    values = json_rows(text, path)
    names: dict[str, None] = {}
    for located in values:
        if not isinstance(located.value, dict):
            raise DataError(
                f"{path}, {located.place}: must be an object with a value for each column, "
                '{"id": …, "confidence": …}'
            )
        names.update(dict.fromkeys(located.value))
    return DataFile(
        path,
        tuple(names),
        [located.value for located in values],
        [located.place for located in values],
        [located.number for located in values],
    )
