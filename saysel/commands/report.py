"""`saysel report`: draw the report of a run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from saysel.display.terminal import echo

if TYPE_CHECKING:
    from saysel.api.run_directory import Run


@click.command("report")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
def command(run: Path) -> None:
    """Draw the report of a run directory again.

    \b
    Example:
      saysel report runs/quickstart
    """
    from saysel.api.run_directory import Run

    drawn = Run(run)
    page = drawn.draw_report()
    print_report(drawn)
    echo(f"report: {page}")


def print_report(run: Run) -> None:
    """The scores, and then the alarms."""
    from saysel.report.console import show_scores

    show_scores(run.rows)
    for alarm in run.alarms:
        echo(f"! {alarm}")
