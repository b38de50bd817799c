"""Tables: named columns, rows, and what is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from saysel.errors import UsageError
from saysel.files.values import absent

Row = Mapping[str, Any]
#: How many names a message lists, and how many characters of each.
MAX_NAMES, MAX_CHARACTERS = 40, 60


@dataclass(frozen=True)
class Layout:
    """What is known of a table because a known tool wrote it.

    Attributes:
        name: of the tool's format.
        roles: the columns that could play a role; two for one role are ambiguous.
        readings: the column that says how the tool read the answer that it graded, if it may have
            read one reply in several ways.
    """

    name: str
    roles: Mapping[str, tuple[str, ...]]
    readings: str | None = None


@dataclass(frozen=True)
class Table:
    """Rows with named columns, and where each row is, for messages.

    Attributes:
        name: the file's path as given, or what messages call a table from memory.
        columns: the names that its rows use, in order of appearance.
        rows: the values of each row by column.
        places: where each row is: `line 7`, `entry 7` of a list, `row 7`.
        numbers: the same as a number, from 1.
        delimited: whether it is from delimited text or a spreadsheet, so that every value is a
            string.
        layout: what is known of it because a known tool wrote it.
    """

    name: str
    columns: tuple[str, ...]
    rows: list[Row]
    places: list[str]
    numbers: list[int]
    delimited: bool = False
    layout: Layout | None = None

    def where(self, index: int) -> str:
        """A row's table and place, as messages begin."""
        return f"{self.name}, {self.places[index]}"

    def empty(self, column: str) -> bool:
        """Whether no row has a value in a column."""
        return all(absent(row.get(column)) for row in self.rows)

    def only(self, column: str, value: str) -> Table:
        """The rows with a value, compared as text, in a column.

        Raises:
            UsageError: there is no such column, or no such row.
        """
        option = f"--where {column}={value}"
        rows = self._rows_by(column, option)
        if value not in rows:
            raise UsageError(f"{option}: {self.name} has no such row; '{column}' is {listed(rows)}")
        return self._part(rows[value])

    def by(self, column: str) -> dict[str, Table]:
        """The rows of each value, as text, in a column, in the order of their first rows.

        Raises:
            UsageError: there is no such column.
        """
        rows = self._rows_by(column, f"--by {column}")
        return {value: self._part(kept) for value, kept in rows.items()}

    def _rows_by(self, column: str, option: str) -> dict[str, list[int]]:
        if column not in self.columns:
            raise UsageError(
                f"{option}: {self.name} has no column '{column}'; it has {listed(self.columns)}"
            )
        rows: dict[str, list[int]] = {}
        for n, row in enumerate(self.rows):
            rows.setdefault(str(row.get(column)), []).append(n)
        return rows

    def _part(self, kept: Sequence[int]) -> Table:
        return replace(
            self,
            rows=[self.rows[n] for n in kept],
            places=[self.places[n] for n in kept],
            numbers=[self.numbers[n] for n in kept],
        )


def listed(names: Iterable[str]) -> str:
    """Names for a message, shortened if they are many or long."""
    names = list(names)
    shown = [
        name if len(name) <= MAX_CHARACTERS else f"{name[: MAX_CHARACTERS - 3]}..."
        for name in names[:MAX_NAMES]
    ]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
