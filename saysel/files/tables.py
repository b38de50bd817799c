"""Reads the rows of a file in any of the formats that are known."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from saysel.errors import DataError
from saysel.files.archives import ZIP, Archive
from saysel.files.content import decoded, read_bytes, suffix, unpacked
from saysel.files.csv_rows import csv_rows
from saysel.files.harness_samples import is_sample, sample_roles, sample_row
from saysel.files.inspect_log import is_log, is_log_archive, log_rows, samples_in
from saysel.files.json_rows import Located, json_rows
from saysel.files.parquet_rows import MAGIC, parquet_rows
from saysel.files.spreadsheets import MEMBERS, OLE, spreadsheet_rows
from saysel.files.table import Layout, Table

Kind = Literal["csv", "json", "parquet"]

#: File extensions and what they contain; `csv` is any delimited text.
KINDS: dict[str, Kind] = {
    **dict.fromkeys((".csv", ".tsv"), "csv"),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), "json"),
    ".parquet": "parquet",
}
#: How JSON objects and lists of them begin, and no header of a CSV file does.
JSON = re.compile(r"\s*(\{\s*[\"}]|\[\s*[{\]])")
#: The path that stands for standard input.
STANDARD_INPUT = Path("-")


def kind_of(path: Path) -> Kind | None:
    """What a file's extension says it contains, `.gz` aside; `None` if it is not a known one."""
    return KINDS.get(suffix(path))


def read_table(path: Path, kind: Kind | None = None, advice: str = "check the path") -> Table:
    """Read a file, or standard input (`-`), also if it is compressed with gzip.

    Parquet files, spreadsheets, logs of Inspect and samples of lm-evaluation-harness are recognised
    by their content.

    Args:
        kind: what the file contains; `None`: what its extension and its content say.
        advice: what to do if there is no such file.

    Raises:
        DataError: it cannot be read, has no rows, or has a broken row (named by its line).
        MissingExtra: it is a spreadsheet, and python-calamine is not installed.
    """
    if path == STANDARD_INPUT:
        content, path = sys.stdin.buffer.read(), Path("standard input")
    else:
        content = read_bytes(path, advice)
    table = _table_in(unpacked(content, path), path, kind or kind_of(path))
    if not table.rows:
        raise DataError(f"{path}: the file has no rows")
    return table


def _table_in(content: bytes, path: Path, kind: Kind | None) -> Table:
    """The table in a content; `kind` decides only if it is text."""
    if content.startswith(MAGIC) or kind == "parquet":
        return _from_parquet(content, path)
    if content.startswith(OLE):
        return _from_texts(*spreadsheet_rows(content, path), path, "row")
    if content.startswith(ZIP):
        archive = Archive(content, path)
        if is_log_archive(archive):
            return _from_log(samples_in(archive), path)
        if not MEMBERS.isdisjoint(archive.names):
            return _from_texts(*spreadsheet_rows(content, path), path, "row")
        raise DataError(f"{path}: a zip archive: extract it, and name the file to read")
    text = decoded(content, path)
    if kind == "json" or JSON.match(text):
        return _from_json(text, path)
    return _from_texts(*csv_rows(text, path), path, "line")


def _from_parquet(content: bytes, path: Path) -> Table:
    columns, rows = parquet_rows(content, path)
    numbers = list(range(1, len(rows) + 1))
    return Table(str(path), columns, list(rows), [f"row {n}" for n in numbers], numbers)


def _from_texts(
    columns: tuple[str, ...], rows: Sequence[tuple[int, dict[str, str]]], path: Path, noun: str
) -> Table:
    """The table of a delimited text or a spreadsheet.

    Args:
        rows: each with its number.
        noun: what messages call a row: `line` or `row`.
    """
    return Table(
        str(path),
        columns,
        rows=[row for _, row in rows],
        places=[f"{noun} {number}" for number, _ in rows],
        numbers=[number for number, _ in rows],
        delimited=True,
    )


def _from_json(text: str, path: Path) -> Table:
    values = json_rows(text, path)
    if len(values) == 1 and is_log(values[0].value):
        return _from_log(values[0].value.get("samples") or (), path)
    for located in values:
        if not isinstance(located.value, dict):
            raise DataError(
                f"{path}, {located.place}: must be an object with a value for each column"
            )
    if all(is_sample(located.value) for located in values):
        return _from_samples(values, path)
    return _table(path, values)


def _from_samples(values: Sequence[Located], path: Path) -> Table:
    """The samples of lm-evaluation-harness."""
    try:
        rows = [located._replace(value=sample_row(located.value)) for located in values]
    except (TypeError, KeyError, AttributeError, IndexError, ValueError) as error:
        raise DataError(
            f"{path}: not samples of lm-evaluation-harness, although they have their keys "
            f"({error!r:.80})"
        ) from None
    roles = sample_roles([located.value for located in values], [row.value for row in rows])
    return _table(path, rows, Layout("samples of lm-evaluation-harness", roles, "filter"))


def _from_log(samples: Iterable[Any], path: Path) -> Table:
    """The samples of an Inspect log."""
    rows, roles = log_rows(samples, path)
    values = [
        Located(n, f"sample {row['id']} of epoch {row['epoch']}", row)
        for n, row in enumerate(rows, 1)
    ]
    return _table(path, values, Layout("Inspect log", roles))


def _table(path: Path, values: Sequence[Located], layout: Layout | None = None) -> Table:
    columns: dict[str, None] = {}
    for located in values:
        columns.update(dict.fromkeys(located.value))
    return Table(
        str(path),
        tuple(columns),
        rows=[located.value for located in values],
        places=[located.place for located in values],
        numbers=[located.number for located in values],
        layout=layout,
    )
