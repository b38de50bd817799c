"""Rows of a data file (CSV, TSV, JSON Lines, Parquet), each with its place in the file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saysel.errors import DataError

Row = Mapping[str, Any]

# Replies and contexts may be longer than the module thinks a cell should be.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class DataFile:
    """A file that was read.

    Attributes:
        path: as given.
        columns: the names that its rows use, in order of appearance.
        rows: the values of each row by column, those of a CSV file as text.
        places: where each row is (`line 7`), for messages.
    """

    path: Path
    columns: tuple[str, ...]
    rows: list[Row]
    places: list[str]

    def where(self, index: int) -> str:
        """A row's file and place, as messages begin."""
        return f"{self.path}, {self.places[index]}"

    def value(self, index: int, column: str | None) -> Any:
        """A row's value in a column, `None` where the row or the file has none."""
        return None if column is None else self.rows[index].get(column)


def read(path: Path) -> DataFile:
    """Read a file; its ending says what it is.

    Raises:
        DataError: it cannot be read, has no rows, or a row is broken (named by its line).
    """
    reader = READERS.get(path.suffix.lower())
    if path.is_dir():
        raise DataError(f"{path}: this is a directory: name a file")
    if reader is None:
        raise DataError(f"{path}: a file must end in {', '.join(READERS)}")
    try:
        found = reader(path)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not found.rows:
        raise DataError(f"{path}: there are no rows in it")
    return found


def decoded(content: bytes, path: Path) -> str:
    """A file's content as text, without its byte order mark.

    Raises:
        DataError: it is not UTF-8; the message names the line.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        read = error.object  # without the byte order mark, if there is one
        line = read[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}, line {line}: not UTF-8 (byte {read[error.start]:#04x}): "
            "save the file as UTF-8"
        ) from None


def _text(path: Path) -> str:
    return decoded(path.read_bytes(), path)


def _csv(path: Path) -> DataFile:
    return csv_file(path, _text(path))


def csv_file(path: Path, text: str, delimiter: str = ",") -> DataFile:
    """The rows of a text with a header.

    Raises:
        DataError: a line is no CSV, or has more or fewer cells than the header.
    """
    lines = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    rows: list[Row] = []
    places: list[str] = []
    try:
        header = next(lines, [])
        if len(set(header)) < len(header):
            twice = next(name for name in header if header.count(name) > 1)
            raise DataError(f"{path}, line 1: the header names '{twice}' twice")
        for cells in lines:
            if not cells:
                continue  # an empty line
            if len(cells) != len(header):
                raise DataError(
                    f"{path}, line {lines.line_num}: {len(cells)} cells, and the header names "
                    f"{len(header)}: mend or remove the line"
                )
            rows.append(dict(zip(header, cells, strict=True)))
            places.append(f"line {lines.line_num}")
    except csv.Error as error:
        raise DataError(f"{path}, line {lines.line_num}: not CSV: {error}") from None
    return DataFile(path, tuple(header), rows, places)


def _tsv(path: Path) -> DataFile:
    return csv_file(path, _text(path), "\t")


def json_in(text: str, path: Path, line: int | None = None) -> Any:
    """What a line of a file says, or all of it.

    Raises:
        DataError: it is no JSON.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}, line {line or error.lineno}: not JSON ({error.msg} at column {error.colno}): "
            "mend or remove the line"
        ) from None
    except (ValueError, RecursionError):
        where = f"{path}, line {line}" if line else str(path)
        raise DataError(
            f"{where}: not JSON (a number or list that is too long or too deep): mend or remove it"
        ) from None


def _jsonl(path: Path) -> DataFile:
    rows: list[Row] = []
    places: list[str] = []
    columns: dict[str, None] = {}
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        row = json_in(line, path, number)
        if not isinstance(row, dict):
            raise DataError(
                f'{path}, line {number}: must be an object, {{"id": …, "confidence": …}}'
            )
        columns.update(dict.fromkeys(row))
        rows.append(row)
        places.append(f"line {number}")
    return DataFile(path, tuple(columns), rows, places)


def _parquet(path: Path) -> DataFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: not a Parquet file ({reason})") from None
    places = [f"row {number}" for number in range(1, len(table) + 1)]
    return DataFile(path, tuple(table.column_names), table.to_pylist(), places)


READERS: dict[str, Callable[[Path], DataFile]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _parquet,
}
