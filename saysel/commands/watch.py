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
@click.option("--once", is_flag=True, help="Show how far the run is, and stop.")
@click.option(
    "--page",
    "page_too",
    is_flag=True,
    help="Also keep RUN/report/unfinished.html up to date, which a browser loads again by itself.",
)
def command(run: Path, once: bool, page_too: bool) -> None:
    """Show how far a run is: its stages, and the figures of training.

    It reads the run's log, and may be started before, during and after the run. On a terminal the
    table is updated in place until the run ends; elsewhere each change is a line.

    \b
    Examples:
      saysel watch runs/quickstart
      saysel watch runs/quickstart --once
      saysel watch runs/quickstart --page
    """
    from saysel.mirror import working_copy
    from saysel.runs.follow import RunState
    from saysel.runs.unfinished import UnfinishedPage
    from saysel.storage.event_log import events
    from saysel.storage.mirrors import bring

    address, run = run, working_copy(run)
    bring(run)
    if once and not (run / "events.jsonl").is_file():
        raise UsageError(f"{address}: not a run directory, it has no events.jsonl")
    state = RunState()
    page = UnfinishedPage(run) if page_too else None
    if page is not None:
        echo(f"page: {page.path}", err=True)
    if once:
        for event in events(run / "events.jsonl"):
            state.update(event)
        for line in state.lines():
            echo(line)
    elif sys.stdout.isatty():
        _show_live(run, state, page)
    else:
        _show_changes(run, state, page)
    if page is not None:
        page.write(state)


def _show_live(run: Path, state: RunState, page: UnfinishedPage | None) -> None:
    from saysel.display.live import live_lines
    from saysel.storage.event_log import events

    with live_lines() as show:

        def wait() -> bool:
            show(state.lines() or [f"{run}: the run has not begun"])
            return _continues(run, state, page)

        for event in events(run / "events.jsonl", wait):
            state.update(event)


def _show_changes(run: Path, state: RunState, page: UnfinishedPage | None) -> None:
    from saysel.storage.event_log import events

    for event in events(run / "events.jsonl", lambda: _continues(run, state, page)):
        stage = state.update(event)
        if stage is not None and event["event"] not in ("progress", "training"):
            echo("  ".join(filter(None, [stage.cell, *stage.row(state.time)])))


def _continues(run: Path, state: RunState, page: UnfinishedPage | None) -> bool:
    """Update the page and wait for more events; false once the run has ended."""
    from saysel.runs.follow import pause

    if page is not None and not state.ended:
        page.write_if_due(state)
    pause(run)
    return not state.ended
