"""`saysel report`: write the report of a run again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saysel.commands.options import cell
from saysel.display.terminal import echo

if TYPE_CHECKING:
    from saysel.report import Row


@click.command("report")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@cell
def command(run: Path, cell: str | None) -> None:
    """Write the report of a run directory again.

    With --cell, a report of that cell alone is drawn below RUN/report/cells.

    \b
    Examples:
      saysel report runs/quickstart
      saysel report runs/mine --cell seed=1
    """
    from saysel.api.run_directory import Run

    drawn = Run(run)
    page = drawn.draw_report(cell=cell)
    print_scores(drawn.rows_of(cell))
    echo(f"report: {page}")


def print_scores(rows: Sequence[Row]) -> None:
    """The scores, and then the alarms."""
    from saysel.report.alarms import alarms
    from saysel.report.console import show_scores

    show_scores(rows)
    for alarm in alarms(rows):
        echo(f"! {alarm.row}: {alarm.text}")
