"""`saysel run`: from a recipe to its report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from saysel.display.terminal import echo
from saysel.plan.plan import plan
from saysel.recipes.recipe import load
from saysel.report import Row


def run(
    reference: str,
    out: Path | None,
    overrides: Sequence[str],
    until: str | None,
    smoke: bool,
    dry_run: bool,
) -> None:
    """Run the recipe, or say what would be done.

    Raises:
        SayselError: see `saysel.recipes.recipe.load` and `saysel.runs.run.run`.
    """
    from saysel.runs.run import pending
    from saysel.runs.run import run as start

    full = load(reference, overrides)
    recipe = full.smoke() if smoke else full
    directory = out or Path("runs") / full.name
    if smoke:  # beside the run, whose stages a rehearsal must not touch
        directory = Path(f"{directory}-smoke")
    if dry_run:
        steps = pending(plan(recipe, until), directory, until)
        echo(f"{directory}: {len(steps)} steps to do" if steps else _nothing(directory))
        for step in steps:
            echo(f"  {step.directory}")
        return
    outcome = start(recipe, directory, until, smoke)
    if not outcome.ran:
        echo(_nothing(directory))
    if outcome.rows:
        show_table(outcome.rows)
    for line in outcome.notes:
        echo(line)
    if outcome.complete:
        echo(f"report: {directory / 'report' / 'index.html'}")
    elif outcome.ran:
        echo(f"stopped after '{until}'; the same command without --until goes on")
    if smoke and outcome.complete:  # what was not rehearsed cannot be estimated
        from saysel.costs.work import full_run

        echo(full_run(full, directory))


def show_table(rows: Sequence[Row]) -> None:
    """The scores: a table on a terminal, aligned text elsewhere; then the alarms."""
    from saysel.report import console_table, plain_table
    from saysel.report.alarms import alarms

    if sys.stdout.isatty():
        from rich.console import Console

        Console().print(console_table(rows))
    else:
        echo(plain_table(rows))
    for alarm in alarms(rows):
        echo(f"! {alarm.row}: {alarm.text}")


def _nothing(directory: Path) -> str:
    return f"{directory}: nothing to do, everything is up to date"
