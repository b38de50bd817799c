"""Which cell of a matrix run a command is about."""

from __future__ import annotations

from pathlib import Path

from saysel.errors import UsageError
from saysel.plan.stage import Cell, Plan


def chosen_cell(run: Path, plan: Plan, wanted: str | None) -> Cell:
    """The cell with a label, or with some parts of it that no other cell has (`seed=1`).

    Args:
        run: the run's directory, for messages.
        wanted: `None` for a run that has a single cell.

    Raises:
        UsageError: there is no such cell, or there are several.
    """
    if wanted is None and len(plan.cells) == 1:
        return plan.cells[0]
    there = f"the run has {len(plan.cells)} cells: " + "; ".join(
        f"'{cell.label}'" for cell in plan.cells
    )
    if wanted is None:
        raise UsageError(f"{run}: name one with --cell: {there}")
    exact = [cell for cell in plan.cells if cell.label == wanted]
    parts = set(wanted.split(","))
    found = exact or [cell for cell in plan.cells if parts <= set(cell.label.split(","))]
    if not plan.cells[0].label:
        raise UsageError(f"{run}: --cell is for matrix runs, and this run has a single cell")
    if len(found) != 1:
        count = "no cell" if not found else "more than one cell"
        raise UsageError(f"{run}: {count} is meant by --cell '{wanted}': {there}")
    return found[0]
