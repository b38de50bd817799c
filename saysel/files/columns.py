"""Which column of a table of predictions plays which role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from saysel.errors import UsageError
from saysel.files.column_names import IN_REPLIES, NAMES, NAMES_BESIDE_REPLIES, normalised
from saysel.files.table import Table, listed

#: Columns by role as a user gives them: one name, or several of which each table has one.
ColumnNames = Mapping[str, str | Sequence[str]]


class Roles:
    """The columns of one table by role.

    Attributes:
        columns: the column of each role that the table has; a role that two columns could play is
            left out.
        named: the roles whose column the user named.
    """

    def __init__(self, table: Table, named: ColumnNames, replies: bool = False) -> None:
        """Recognise the columns.

        Args:
            named: columns by role; they need not be recognised.
            replies: whether answer and confidence are read from whole replies.

        Raises:
            UsageError: there is no such role or column, or the role is not read from a column.
        """
        self.table = table
        self.columns = {role: _named(table, role, columns) for role, columns in named.items()}
        self.named = frozenset(named)
        for role in IN_REPLIES if replies else ():
            if role in named:
                raise UsageError(
                    f"--column {role}={self.columns[role]}: with --format, {role} is read from the "
                    "replies: omit one of the two options"
                )
        self.ambiguous: dict[str, list[str]] = {}
        taken = {column for role, column in self.columns.items() if role != "cluster"}
        known = dict(table.layout.roles) if table.layout else {}
        if replies and table.layout and table.layout.readings:
            known.pop("correct", None)  # it grades another reading than that of the format
        for role, names in (NAMES_BESIDE_REPLIES if replies else NAMES).items():
            usual = [column for column in table.columns if normalised(column) in names]
            candidates = [column for column in known.get(role) or usual if column not in taken]
            if role not in named and len(candidates) == 1:
                self.columns[role] = candidates[0]
            elif role not in named and candidates:
                self.ambiguous[role] = candidates
        self.has("id")

    def get(self, role: str) -> str | None:
        """The role's column; `None` if there is none, or more than one candidate."""
        return self.columns.get(role)

    def has(self, role: str) -> bool:
        """Whether a column plays the role.

        Raises:
            UsageError: two columns could.
        """
        if role in self.ambiguous:
            first, second, *_ = self.ambiguous[role]
            raise UsageError(
                f"{self.table.name}: '{first}' and '{second}' could both be the {role}: choose one "
                f"with --column {role}={first} or --column {role}={second}"
            )
        return role in self.columns

    def require(self, role: str) -> None:
        """Refuse a table in which no column plays the role.

        Raises:
            UsageError: no column does, or two could.
        """
        if not self.has(role):
            raise UsageError(
                f"{self.table.name}: no column is recognised as '{role}': name it with --column "
                f"{role}=NAME{_hint(role)}; the columns are {listed(self.table.columns)}"
            )

    def require_answers(self, replies: bool, judge: bool) -> None:
        """Refuse a table without what a judge compares.

        Args:
            replies: whether the answers are read from whole replies.
            judge: whether the user chose a judge, so that a column `correct` does not replace it.

        Raises:
            UsageError: no column has the model's answers or the accepted ones.
        """
        needed = ("gold",) if replies else ("answer", "gold")
        if not judge and not any(role in self.columns or role in self.ambiguous for role in needed):
            self.require("correct")
        for role in needed:
            self.require(role)


def _hint(role: str) -> str:
    if role == "confidence":
        return ", or read it from whole replies with --format"
    if role == "correct":
        return ", or let a judge compare the columns answer and gold"
    return ", the accepted answers" if role == "gold" else ""


def _named(table: Table, role: str, columns: str | Sequence[str]) -> str:
    """The one of the named columns that the table has.

    Raises:
        UsageError: there is no such role, or the table has none of the columns or several.
    """
    names = [columns] if isinstance(columns, str) else list(dict.fromkeys(columns))
    if role == "cluster":
        option = f"--cluster {names[0]}"
    else:
        option = " ".join(f"--column {role}={column}" for column in names)
    if role not in NAMES:
        raise UsageError(f"{option}: there is no role '{role}'; use {', '.join(NAMES)}")
    present = [column for column in names if column in table.columns]
    if not present:
        raise UsageError(
            f"{option}: {table.name} has no column '{names[0]}'; it has {listed(table.columns)}"
        )
    if len(present) > 1:
        raise UsageError(
            f"{option}: {table.name} has '{present[0]}' and '{present[1]}': name one column per "
            "role"
        )
    return present[0]
