"""`saysel watch`: follow a run from another terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saysel.display.terminal import echo
from saysel.errors import UsageError

if TYPE_CHECKING:
    from saysel.runs.follow import RunState
    from saysel.runs.unfinished import UnfinishedPage


@click.command("watch")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--once", is_flag=True, help="Show the present state, and exit.")
@click.option(
    "--page",
    "page_too",
    is_flag=True,
    help="Also write RUN/report/unfinished.html every few seconds; a browser reloads it by itself.",
)
def command(run: Path, once: bool, page_too: bool) -> None:
    """Show the progress of a run, stage by stage.

    Training stages also show the figures of their last step. If the run has not begun,
    the command waits for it. On a terminal the table is updated in place; elsewhere
    each change is a line. The command ends when no process works on the run any more: the run is
    finished, has failed, or was killed.

    \b
    Examples:
      saysel watch runs/quickstart
      saysel watch runs/quickstart --once
      saysel watch runs/quickstart --page
    """
    from saysel.mirror import working_copy
    from saysel.runs.follow import ABANDONED, RunState, read
    from saysel.runs.unfinished import UnfinishedPage
    from saysel.storage.mirrors import bring, mirror_of

    run = working_copy(run)
    bring(run)
    mirror = mirror_of(run)
    address = run if mirror is None else mirror.address
    begun = (run / "events.jsonl").is_file()
    cells = "" if begun else _cells(run, address)
    if once and not begun:
        raise UsageError(f"{address}: not a run directory, it has no events.jsonl{cells}")
    waiting = f"{address}: waiting for the run to begin{cells}"
    state = read(run) if once else RunState()
    page = UnfinishedPage(run) if page_too else None
    if page is not None:
        echo(f"page: {page.path}", err=True)
    if once:
        for line in state.lines():
            echo(line)
    elif sys.stdout.isatty():
        _show_live(run, state, page, waiting)
    else:
        if not begun:
            echo(waiting, err=True)
        _show_changes(run, state, page)
    if state.ended == ABANDONED:
        echo(
            f"{address}: the run ended without finishing, no process works on it any more: start "
            "it again with the same command to continue"
        )
    if page is not None:
        page.write(state)


def _cells(run: Path, address: Path | str) -> str:
    """Where single cells have their logs, as the end of a message; empty if none has been run."""
    from saysel.runs.collect import cells_of

    numbers = [cell.name for cell in cells_of(run)]
    if not numbers:
        return ""
    return (
        f"; cells that are run with --cell have their own logs: watch {address}/cells/NUMBER, "
        f"NUMBER being one of {', '.join(numbers)}"
    )


def _show_live(run: Path, state: RunState, page: UnfinishedPage | None, waiting: str) -> None:
    from saysel.display.live import live_lines
    from saysel.runs.follow import follow

    with live_lines() as show:

        def idle() -> None:
            show(state.lines() or [waiting])
            _keep_up(page, state)

        for _ in follow(run, state, idle):
            pass
        show(state.lines())


def _show_changes(run: Path, state: RunState, page: UnfinishedPage | None) -> None:
    from saysel.runs.follow import follow

    for event, stage in follow(run, state, lambda: _keep_up(page, state)):
        if stage is not None and event not in ("progress", "training"):
            echo("  ".join(filter(None, [stage.cell, *stage.row(state.time)])))


def _keep_up(page: UnfinishedPage | None, state: RunState) -> None:
    """Write the page again if that is due."""
    if page is not None:
        page.write_if_due(state)
