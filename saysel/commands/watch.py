"""`saysel watch`: follow a run from another terminal."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from saysel.display.terminal import echo
from saysel.errors import UsageError


@click.command("watch")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--once", is_flag=True, help="Show how far the run is, and stop.")
def command(run: Path, once: bool) -> None:
    """Show how far a run is: its stages, and the figures of training.

    It reads the run's log, and may be started before, during and after the run. On a terminal the
    table is updated in place until the run ends; elsewhere each change is a line.

    \b
    Examples:
      saysel watch runs/quickstart
      saysel watch runs/quickstart --once
    """
    if once and not (run / "events.jsonl").is_file():
        raise UsageError(f"{run}: not a run directory, it has no events.jsonl")
    if once:
        _show_once(run)
    elif sys.stdout.isatty():
        _show_live(run)
    else:
        _show_changes(run)


def _show_once(run: Path) -> None:
    from saysel.runs.follow import RunState, events

    state = RunState()
    for event in events(run / "events.jsonl", wait=lambda: False):
        state.update(event)
    for line in state.lines():
        echo(line)


def _show_live(run: Path) -> None:
    from saysel.display.live import live_lines
    from saysel.runs.follow import POLL_SECONDS, RunState, events

    state = RunState()
    with live_lines() as show:

        def wait() -> bool:
            show(state.lines() or [f"{run}: the run has not begun"])
            time.sleep(POLL_SECONDS)
            return not state.ended

        for event in events(run / "events.jsonl", wait):
            state.update(event)


def _show_changes(run: Path) -> None:
    from saysel.runs.follow import POLL_SECONDS, RunState, events

    state = RunState()
    shown: dict[str, str] = {}

    def wait() -> bool:
        time.sleep(POLL_SECONDS)
        return not state.ended

    for event in events(run / "events.jsonl", wait):
        state.update(event)
        name = event.get("stage")
        if name in state.stages and shown.get(name) != state.stages[name].state:
            shown[name] = state.stages[name].state
            echo("  ".join(filter(None, state.stages[name].row(name, event.get("time", 0.0)))))
