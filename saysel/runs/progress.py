"""How far a stage is: a bar on a terminal, plain lines elsewhere, and the time per unit."""

from __future__ import annotations

import sys
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING

from typing_extensions import Self

from saysel.display.terminal import echo

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

#: Seconds between two plain lines.
INTERVAL = 10.0


class StageProgress:
    """The `Progress` that the framework gives to components. Writes to stderr.

        with StageProgress("sample") as progress:
            progress.begin(400, "questions")
            progress.advance(32)

    Attributes:
        label: what the lines start with.
        total, done: units of work, as told since the last `begin`.
        unit: `questions`, `steps` …
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self.total = 0
        self.done = 0
        self.unit = ""
        self._began = self._advanced = self._told = monotonic()
        self._bar: Bar | None = None
        self._task: TaskID | None = None

    @property
    def seconds(self) -> float:
        """Seconds from the last `begin` to the last `advance`."""
        return self._advanced - self._began

    @property
    def seconds_per_unit(self) -> float | None:
        """`None` as long as nothing is done."""
        return self.seconds / self.done if self.done else None

    def begin(self, total: int, unit: str) -> None:
        """Work of `total` units starts; what was counted before is forgotten."""
        self._end_line()
        self.total, self.done, self.unit = total, 0, unit
        self._began = self._advanced = self._told = monotonic()
        if sys.stderr.isatty():
            self._draw()
        else:
            self._say(f"0 of {total} {unit}")

    def advance(self, units: int = 1) -> None:
        """So many more units are done."""
        self.done += units
        now = self._advanced = monotonic()
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self.done)
        elif now - self._told >= INTERVAL and self.done < self.total:
            self._told = now
            left = max(self.total - self.done, 0) * self.seconds / max(self.done, 1)
            self._say(
                f"{self.done} of {self.total} {self.unit} in {_duration(self.seconds)}, "
                f"about {_duration(left)} to go"
            )

    def warn(self, text: str) -> None:
        """Show a line about the stage, once it is over."""
        self._say(text)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end_line()

    def _end_line(self) -> None:
        """Close what the last `begin` opened."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None
        elif self.unit:
            self._say(f"{self.done} of {self.total} {self.unit} in {_duration(self.seconds)}")

    def _draw(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bar = Progress(
            TextColumn("{task.fields[label]}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task("", total=self.total, label=self.label, unit=self.unit)
        self._bar.start()

    def _say(self, text: str) -> None:
        echo(f"{self.label}: {text}", err=True)


def _duration(seconds: float) -> str:
    """`8 s`, `4 min 10 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
