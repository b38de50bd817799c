"""How far some work is: a bar on a terminal or in a notebook, plain lines elsewhere."""

from __future__ import annotations

import sys
from html import escape
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from saysel.display.durations import duration
from saysel.display.terminal import echo

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Seconds between two plain lines: in the first minute, and later.
FIRST_INTERVAL, LATER_INTERVAL = 10.0, 30.0
#: Seconds between two updates in a notebook.
NOTEBOOK_INTERVAL = 0.25


class Bar(Protocol):
    """Shows the progress of one piece of work."""

    def update(self, done: int, seconds: float, tokens: int = 0) -> None:
        """So much is done, and so many tokens are generated, after so many seconds."""

    def stop(self, done: int, seconds: float, note: str = "") -> None:
        """The work has ended, finished or not.

        Args:
            note: what to add about it; may be empty.
        """


def start_bar(label: str, total: int, unit: str) -> Bar:
    """A bar for where the program runs, at 0.

    Args:
        label: what it begins with.
        total: units of work.
        unit: `questions`, `steps` …
    """
    if (shell := notebook()) is not None:
        return NotebookBar(shell, label, total, unit)
    if sys.stderr.isatty():
        return TerminalBar(label, total, unit)
    return PlainLines(label, total, unit)


def notebook() -> Any | None:
    """The IPython shell if the program runs in a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if shell is not None and hasattr(shell, "kernel") else None


def finished_line(
    label: str, done: int, total: int, unit: str, seconds: float, note: str = ""
) -> str:
    """What is left of a bar: `sample: 400 of 400 questions in 8 s; 2.0% cut`."""
    return f"{label}: {done} of {total} {unit} in {duration(seconds)}{'; ' if note else ''}{note}"


def speed(tokens: int, seconds: float) -> str:
    """`230 tokens/s`; empty if no tokens are counted."""
    return f"{tokens / seconds:,.0f} tokens/s" if tokens and seconds else ""


def interval(shown: float) -> float:
    """Seconds to the next plain line after one that was shown after so many seconds."""
    return FIRST_INTERVAL if shown < 60 else LATER_INTERVAL


class PlainLines:
    """A line on stderr at the start, every ten seconds, later every thirty, and at the end."""

    def __init__(self, label: str, total: int, unit: str) -> None:
        self.label, self.total, self.unit = label, total, unit
        self._shown = 0.0
        echo(f"{label}: 0 of {total} {unit}", err=True)

    def update(self, done: int, seconds: float, tokens: int = 0) -> None:
        if seconds - self._shown < interval(self._shown) or done >= self.total:
            return
        self._shown = seconds
        line = finished_line(self.label, done, self.total, self.unit, seconds)
        left = f"about {duration((self.total - done) * seconds / done)} to go" if done else ""
        echo(", ".join(filter(None, [line, speed(tokens, seconds), left])), err=True)

    def stop(self, done: int, seconds: float, note: str = "") -> None:
        echo(finished_line(self.label, done, self.total, self.unit, seconds, note), err=True)


class TerminalBar:
    """A bar with the time passed and the time left, on stderr."""

    _progress: Progress
    _task: TaskID

    def __init__(self, label: str, total: int, unit: str) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self.label = label
        self._progress = Progress(
            TextColumn("{task.fields[label]}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[speed]}", markup=False),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("", total=total, label=label, unit=unit, speed="")
        self._progress.start()

    def update(self, done: int, seconds: float, tokens: int = 0) -> None:
        self._progress.update(self._task, completed=done, speed=speed(tokens, seconds))

    def stop(self, done: int, seconds: float, note: str = "") -> None:
        self._progress.stop()
        if note:
            echo(f"{self.label}: {note}", err=True)


class NotebookBar:
    """A bar in the output of a notebook's cell; a line of text remains of it.

    rich would need ipywidgets for this.
    """

    def __init__(self, shell: Any, label: str, total: int, unit: str) -> None:
        self.label, self.total, self.unit = label, total, unit
        self._publisher = shell.display_pub
        self._id = f"saysel-{id(self)}-{monotonic()}"
        self._shown = monotonic()
        self._publish(f"{label}: 0 of {total} {unit}", 0, update=False)

    def update(self, done: int, seconds: float, tokens: int = 0) -> None:
        if monotonic() - self._shown >= NOTEBOOK_INTERVAL:
            self._shown = monotonic()
            line = finished_line(self.label, done, self.total, self.unit, seconds)
            shown = ", ".join(filter(None, [line, speed(tokens, seconds)]))
            self._publish(shown, done, update=True)

    def stop(self, done: int, seconds: float, note: str = "") -> None:
        line = finished_line(self.label, done, self.total, self.unit, seconds, note)
        self._publish(line, None, update=True)

    def _publish(self, line: str, done: int | None, update: bool) -> None:
        """Show a line, with a bar unless the work has ended."""
        bar = "" if done is None else f'<progress value="{done}" max="{self.total}"></progress> '
        self._publisher.publish(
            {"text/plain": line, "text/html": f"{bar}{escape(line)}"},
            transient={"display_id": self._id},
            update=update,
        )
