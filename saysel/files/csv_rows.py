"""Rows of delimited text: CSV, TSV, and the semicolon files of locales with a decimal comma."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from saysel.errors import DataError
from saysel.files.content import suffix

DELIMITERS = ",;\t|"
#: The first line in which Excel declares the delimiter.
DECLARED = re.compile(r"sep=(.)\r?\n")

# Replies and contexts may be longer than the module's default limit.
csv.field_size_limit(2**31 - 1)


def csv_rows(text: str, path: Path) -> tuple[tuple[str, ...], list[tuple[int, dict[str, str]]]]:
    """The columns of a text with a header, and its rows, each with the number of its last line.

    The delimiter is the first of comma, semicolon, tab and bar that the header contains; in a
    `.tsv` file, tab comes first.

    Raises:
        DataError: a line is not CSV, or has more or fewer values than the header.
    """
    declared = DECLARED.match(text)
    skipped = int(declared is not None)
    body = text[declared.end() :] if declared else text
    delimiter = declared[1] if declared else _delimiter(body, path)
    reader = csv.reader(io.StringIO(body, newline=""), strict=True, delimiter=delimiter)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = next(reader, [])
        if len(set(header)) < len(header):
            twice = next(name for name in header if header.count(name) > 1)
            raise DataError(f"{path}, line 1: the header names '{twice}' twice")
        for values in reader:
            line = reader.line_num + skipped
            if not values:
                continue  # an empty line
            if len(values) != len(header):
                raise DataError(
                    f"{path}, line {line}: {len(values)} value{'s' * (len(values) != 1)}, but the "
                    f"header names {len(header)}: fix or remove the line"
                )
            rows.append((line, dict(zip(header, values, strict=True))))
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num + skipped}: not CSV: {error}") from None
    return tuple(header), rows


def _delimiter(text: str, path: Path) -> str:
    """The delimiter of the header; a comma if there is only one column."""
    unquoted = re.sub(r'"[^"]*"', "", text.partition("\n")[0])
    candidates = "\t" + DELIMITERS if suffix(path) == ".tsv" else DELIMITERS
    return next((mark for mark in candidates if mark in unquoted), ",")
