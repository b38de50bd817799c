"""`saysel report`: draw the report of a run again."""

from __future__ import annotations

import sys
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
    """The scores: a table on a terminal, aligned text elsewhere; then the alarms."""
    if sys.stdout.isatty():
        from rich.console import Console

        from saysel.report import console_table

        Console().print(console_table(run.rows))
    else:
        from saysel.report import plain_table

        echo(plain_table(run.rows))
    for alarm in run.alarms:
        echo(f"! {alarm}")
