"""The cell of a matrix run that a command is about."""

from __future__ import annotations

from pathlib import Path

from saysel.errors import UsageError
from saysel.plan.stage import Cell, Plan


def chosen_cell(run: Path, plan: Plan, wanted: str | None) -> Cell:
    """The cell with a label, or the only one whose label has some parts (`seed=1`).

    Args:
        run: the run's directory, for messages.
        wanted: the label or its parts; `None` for a run that has a single cell.

    Raises:
        UsageError: no cell or several cells match.
    """
    if wanted is None and len(plan.cells) == 1:
        return plan.cells[0]
    cells = f"the run has {len(plan.cells)} cells: " + "; ".join(
        f"'{cell.label}'" for cell in plan.cells
    )
    if wanted is None:
        raise UsageError(f"{run}: name one with --cell: {cells}")
    exact = [cell for cell in plan.cells if cell.label == wanted]
    parts = set(wanted.split(","))
    matching = exact or [cell for cell in plan.cells if parts <= set(cell.label.split(","))]
    if not plan.cells[0].label:
        raise UsageError(f"{run}: --cell is for matrix runs, and this run has a single cell")
    if len(matching) != 1:
        count = "no cell" if not matching else "more than one cell"
        raise UsageError(f"{run}: {count} matches --cell '{wanted}': {cells}")
    return matching[0]
