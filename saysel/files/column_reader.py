"""Reads the columns of a table of predictions by their roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from saysel.errors import DataError
from saysel.files import prediction_values as values
from saysel.files.columns import Roles
from saysel.files.table import Table

Value = TypeVar("Value")


class ColumnReader:
    """Reads columns; an optional column that was only recognised never stops it.

    Attributes:
        notes: one line for each column that was left out, with the reason.
    """

    def __init__(self, table: Table, roles: Roles) -> None:
        self.table = table
        self.roles = roles
        self.notes: list[str] = []

    def ids(self) -> list[str]:
        """The rows' ids, or their numbers if there is no column of ids.

        Raises:
            DataError: see `saysel.files.prediction_values.ids`.
        """
        column = self.roles.get("id")
        if "id" not in self.roles.named and column and self.table.empty(column):
            del self.roles.columns["id"]
            self.notes.append(
                f"{self.table.name}: '{column}' is empty in every row; the rows are numbered"
            )
        return values.ids(self.table, self.roles.get("id"), self.roles.has("cluster"))

    def required(self, role: str, read: Callable[[Table, int, str], Value]) -> list[Value]:
        """The values of a column that the table must have.

        Raises:
            DataError: one of them cannot be read.
        """
        column = self.roles.columns[role]
        return [read(self.table, index, column) for index in range(len(self.table.rows))]

    def optional(
        self, role: str, read: Callable[[Table, int, str], Value], default: Value
    ) -> list[Value]:
        """The values of a column, or the default in all rows.

        Raises:
            DataError: one of them cannot be read, and the user named the column.
        """
        if role in self.roles.columns:
            try:
                return self.required(role, read)
            except DataError as error:
                if role in self.roles.named:
                    raise
                del self.roles.columns[role]
                self.notes.append(f"{error}; the column is left out")
        return [default] * len(self.table.rows)
