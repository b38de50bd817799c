"""`saysel export`: what a run made, for other tools."""

from __future__ import annotations

from pathlib import Path

from saysel.commands.report import evaluated
from saysel.display.terminal import echo
from saysel.errors import UsageError
from saysel.plan.cell_choice import chosen_cell
from saysel.plan.plan import plan
from saysel.recipes.recipe import load


def export(
    run: Path, predictions: bool, merge: bool, license: str, to: Path | None, cell: str | None
) -> None:
    """Write the last model with its card; or the predictions, as logs of two harnesses.

    Raises:
        SayselError: it is not a run directory, it lacks what is to be exported, or see
            `saysel.export.model.write_model`.
    """
    if predictions:
        if merge:
            raise UsageError("--merge is about the model, --predictions about what it said")
        _predictions(run, to or run / "export", cell)
        return
    from saysel.export.model import write_model

    if not (run / "recipe.yaml").is_file():
        raise UsageError(f"{run}: not a run directory, it has no recipe.yaml")
    todo = plan(load(str(run / "recipe.yaml")))
    chosen = chosen_cell(run, todo, cell)
    echo(write_model(run, todo, chosen, to or run / "export" / "model", merge, license))


def _predictions(run: Path, to: Path, cell: str | None) -> None:
    from saysel.export import write_predictions

    todo = evaluated(run)
    cells = [chosen_cell(run, todo, cell)] if cell is not None else todo.cells
    if not (run / "report" / "metrics.json").is_file():
        raise UsageError(f"{run}: the report is missing: saysel report {run}")
    for file in write_predictions(run, cells, to):
        echo(file)
