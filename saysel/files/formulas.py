"""Escaping of text that a spreadsheet would run as a formula.

A reply such as `=HYPERLINK(…)` or `+cmd|…` is code to Excel and LibreOffice when they open a CSV
file. In the files that saysel writes, text that starts with one of `STARTS` is prefixed with an
apostrophe, which marks text in a spreadsheet. So is text that starts with apostrophes followed by
one of them, so that removing one apostrophe restores the original.

Source: OWASP, "CSV Injection".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from saysel.files.table import Table

#: The full-width signs start formulas in Japanese spreadsheets.
STARTS = "=+\\-@\t\r\n＝＋－＠"
CRLF = "\r\n"
RISKY = re.compile(f"'*[{STARTS}]")
ESCAPED = re.compile(f"'+[{STARTS}]")
#: The first columns of saysel's own `predictions.csv`, the only file whose apostrophes it added.
OWN_COLUMNS = ("cell", "model", "estimator", "split", "question_id")


def escaped(value: object) -> object:
    """A value as it is written into a CSV file; only text that would run as a formula changes."""
    return f"'{value}" if isinstance(value, str) and RISKY.match(value) else value


def unescaped(text: str) -> str:
    """The text that `escaped` was given."""
    return text[1:] if ESCAPED.match(text) else text


def csv_text(header: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A CSV file that is safe to open in a spreadsheet."""
    lines = _Lines()
    writer = csv.writer(lines)
    writer.writerow(header)
    writer.writerows([escaped(value) for value in row] for row in rows)
    return "".join(f"{line.removesuffix(CRLF)}\n" for line in lines)


class _Lines(list[str]):
    """A file for the csv module, which quotes a carriage return only if its lines end in one."""

    def write(self, line: str) -> None:
        self.append(line)


def unescaped_table(table: Table) -> Table:
    """A `predictions.csv` of saysel without its apostrophes; any other table unchanged."""
    if not table.delimited or table.columns[: len(OWN_COLUMNS)] != OWN_COLUMNS:
        return table
    rows = [{name: unescaped(text) for name, text in row.items()} for row in table.rows]
    return replace(table, rows=list(rows))
