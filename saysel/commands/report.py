"""`saysel report`: write the report of a run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from saysel.commands.options import cell
from saysel.display.terminal import echo

if TYPE_CHECKING:
    from saysel.api.run_directory import Run


@click.command("report")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@cell
@click.option(
    "--figures",
    type=click.Choice(["pdf", "png"]),
    multiple=True,
    help="Write the figures in this format, too; may be given again.",
)
def command(run: Path, cell: str | None, figures: tuple[str, ...]) -> None:
    """Write the report of a run directory again.

    With --cell, a report of that cell alone is written to RUN/report/cells.

    \b
    Examples:
      saysel report runs/quickstart
      saysel report runs/mine --cell seed=1
      saysel report runs/mine --figures pdf
    """
    from saysel.api.run_directory import Run

    drawn = Run(run)
    page = drawn.draw_report(cell=cell, figures=figures)
    print_scores(drawn, cell)
    echo(f"report: {page}")


def print_scores(run: Run, cell: str | None = None, smoke: bool = False) -> None:
    """The scores, and then the alarms; of a matrix run, its settings and the number of alarms.

    Args:
        smoke: whether models were trained for one step only; then nothing is worth an alarm.
    """
    from saysel.display.tables import print_table
    from saysel.report.alarms import alarms
    from saysel.report.console import show_scores
    from saysel.report.settings_tables import caption, settings_table

    record = run.settings_record
    if cell is None and record is not None:
        header, lines, names = settings_table(record)
        print_table(header, lines, range(names))
        echo(f"{caption(record)}")
        if (count := len(alarms(run.rows))) and not smoke:
            echo(f"! {count} alarms, which the report lists")
        return
    rows = run.rows_of(cell)
    show_scores(rows)
    for alarm in () if smoke else alarms(rows):
        echo(f"! {alarm.row}: {alarm.text}")
