"""Cells that a spreadsheet would run as a formula, made into text and back again.

A reply such as `=HYPERLINK(…)` or `+cmd|…` is code to Excel and LibreOffice when they open a CSV
file. In the files that saysel writes, text that starts with one of `STARTS` gets an apostrophe in
front, as text does in a spreadsheet; and so does text that starts with apostrophes and then one of
them, so that removing one apostrophe gives back what was written.

Source: OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from saysel.files.content import suffix
from saysel.files.tables import DELIMITED, DataFile

#: The full-width signs are formulas where the language of the spreadsheet is Japanese.
STARTS = "=+\\-@\t\r\n＝＋－＠"
CRLF = "\r\n"
RISKY = re.compile(f"'*[{STARTS}]")
ESCAPED = re.compile(f"'+[{STARTS}]")
#: The first columns of `predictions.csv`: only in our own file is an apostrophe known to be ours.
OURS = ("cell", "model", "estimator", "split", "question_id")


def escaped(value: object) -> object:
    """A value as it is written into a CSV file; only text is ever changed."""
    return f"'{value}" if isinstance(value, str) and RISKY.match(value) else value


def plain(cell: str) -> str:
    """What `escaped` was given."""
    return cell[1:] if ESCAPED.match(cell) else cell


def csv_text(header: Sequence[str], lines: Iterable[Iterable[object]]) -> str:
    """A CSV file that is safe to open in a spreadsheet."""
    rows = _Rows()
    writer = csv.writer(rows)
    writer.writerow(header)
    writer.writerows([escaped(value) for value in line] for line in lines)
    return "".join(f"{row.removesuffix(CRLF)}\n" for row in rows)


class _Rows(list[str]):
    """A file for the csv module, which quotes a carriage return only if its lines end in one."""

    def write(self, row: str) -> None:
        self.append(row)


def plain_rows(file: DataFile) -> DataFile:
    """A `predictions.csv` of saysel without its apostrophes; any other file as it is."""
    if suffix(file.path) not in DELIMITED or file.columns[: len(OURS)] != OURS:
        return file
    rows = [{name: plain(cell) for name, cell in row.items()} for row in file.rows]
    return replace(file, rows=list(rows))
