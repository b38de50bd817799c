"""`saysel report`: draw the report of a run again."""

from __future__ import annotations

from pathlib import Path

from saysel.commands.run import show_table
from saysel.display.terminal import echo
from saysel.errors import UsageError
from saysel.plan.plan import Plan, plan
from saysel.recipes.recipe import load
from saysel.stages import how_to_go_on
from saysel.storage import read_record


def report(run: Path) -> None:
    """Draw the page from the predictions that are there.

    Raises:
        UsageError: it is not a run directory, or not all predictions are there yet.
    """
    from saysel.runs.run import locked
    from saysel.stages.report import draw

    todo = evaluated(run)
    with locked(run):
        manifest = read_record(run / "manifest.json", f"write it again: {_again(run)}")
        rows = draw(run, todo, manifest)
    show_table(rows)
    echo(f"report: {run / 'report' / 'index.html'}")


def _again(run: Path) -> str:
    return f"saysel run {run / 'recipe.yaml'} --out {run}"


def evaluated(run: Path) -> Plan:
    """The plan of a run directory in which all predictions are there.

    Raises:
        UsageError: it is not one.
    """
    from saysel.runs.run import pending

    if not (run / "recipe.yaml").is_file() or not (run / "manifest.json").is_file():
        raise UsageError(f"{run}: not a run directory, it has no recipe.yaml and manifest.json")
    todo = plan(load(str(run / "recipe.yaml")))
    missing = [step for step in pending(todo, run, "evaluate") if step.stage == "evaluate"]
    if missing:
        names = ", ".join(step.name for step in missing)
        raise UsageError(
            f"{run}: predictions are missing for {names}: {how_to_go_on(run, todo, missing[0])}"
        )
    return todo
