"""Rows of delimited text: CSV, TSV, and what spreadsheets write where the comma is a decimal."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from saysel.errors import DataError
from saysel.files.content import suffix

SEPARATORS = ",;\t|"
#: The line with which Excel announces its separator.
ANNOUNCED = re.compile(r"sep=(.)\r?\n")

# Replies and contexts may be longer than the module thinks a cell should be.
csv.field_size_limit(2**31 - 1)


def csv_rows(text: str, path: Path) -> tuple[tuple[str, ...], list[tuple[int, dict[str, str]]]]:
    """The columns of a text with a header, and its rows, each with the line that it ends in.

    The separator is the first that the header contains of comma, semicolon, tab and bar; in a
    `.tsv` file, the tab comes first.

    Raises:
        DataError: a line is not CSV, or has more or fewer cells than the header.
    """
    announced = ANNOUNCED.match(text)
    skipped = int(announced is not None)
    body = text[announced.end() :] if announced else text
    separator = announced[1] if announced else _separator(body, path)
    lines = csv.reader(io.StringIO(body, newline=""), strict=True, delimiter=separator)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = next(lines, [])
        if len(set(header)) < len(header):
            twice = next(name for name in header if header.count(name) > 1)
            raise DataError(f"{path}, line 1: the header names '{twice}' twice")
        for cells in lines:
            line = lines.line_num + skipped
            if not cells:
                continue  # an empty line
            if len(cells) != len(header):
                raise DataError(
                    f"{path}, line {line}: {len(cells)} cells, and the header names "
                    f"{len(header)}: fix or remove the line"
                )
            rows.append((line, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        raise DataError(f"{path}, line {lines.line_num + skipped}: not CSV: {error}") from None
    return tuple(header), rows


def _separator(text: str, path: Path) -> str:
    """The separator of the header; a comma where there is only one column."""
    unquoted = re.sub(r'"[^"]*"', "", text.partition("\n")[0])
    marks = "\t" + SEPARATORS if suffix(path) == ".tsv" else SEPARATORS
    return next((mark for mark in marks if mark in unquoted), ",")
