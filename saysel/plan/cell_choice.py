"""The cell of a matrix run that a command is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from saysel.errors import UsageError
from saysel.plan.stage import Cell, Plan
from saysel.recipes.matrix import choice_names

#: Cells that a message names.
NAMED = 6


def chosen_cell(run: Path, plan: Plan, wanted: str | int | None) -> Cell:
    """The cell with a number or label, or the only one whose label has some parts (`seed=1`).

    Args:
        run: the run's directory, for messages.
        wanted: the number, from 1; the label or its parts, in which an axis may also be named by
            its path (`train[1].reward=linear`); `None` for a run that has a single cell.

    Raises:
        UsageError: no cell or several cells match.
    """
    cells = plan.cells
    if wanted is None and len(cells) == 1:
        return cells[0]
    if wanted is None:
        raise UsageError(f"{run}: name one with --cell: {_listed(cells)}")
    if not cells[0].label:
        raise UsageError(f"{run}: --cell is for matrix runs, and this run has a single cell")
    matching = _matching(cells, str(wanted))
    if len(matching) != 1:
        count = "no cell matches" if not matching else f"{len(matching)} cells match"
        listed = _named(matching) if matching else _listed(cells)
        raise UsageError(f"{run}: {count} --cell '{wanted}': {listed}")
    return matching[0]


def _matching(cells: tuple[Cell, ...], wanted: str) -> list[Cell]:
    named = [cell for cell in cells if wanted in (cell.label, str(cell.number))]
    parts = set(wanted.split(","))
    return named or [cell for cell in cells if parts <= choice_names(cell.choices)]


def _listed(cells: Sequence[Cell]) -> str:
    return f"the run has {len(cells)} cells: {_named(cells)}"


def _named(cells: Sequence[Cell]) -> str:
    named = "; ".join(f"{cell.number} '{cell.label}'" for cell in cells[:NAMED])
    more = f"; … {cells[-1].number} '{cells[-1].label}'" if len(cells) > NAMED else ""
    return named + more
