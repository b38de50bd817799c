"""How far a stage is, and how long a unit of its work takes."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from types import TracebackType

from typing_extensions import Self

from saysel.display.bars import Bar, interval, start_bar
from saysel.display.terminal import echo


class StageProgress:
    """The `Progress` that the framework gives to components; what it shows goes to stderr.

        with StageProgress("sample") as progress:
            progress.begin(400, "questions")
            progress.advance(32)

    Attributes:
        label: what the lines start with.
        total, done: units of work since the last `begin`.
        unit: `questions`, `steps` …
        tokens: generated in this process since the last `begin`.
        note: what the last line adds about the finished work.
    """

    def __init__(self, label: str, announce: Callable[..., object] | None = None) -> None:
        """Nothing has begun yet.

        Args:
            announce: called with `done`, `total`, `unit`, `seconds` and `tokens` when work begins,
                and as often as a line is shown where there is no terminal.
        """
        self.label = label
        self._announce = announce
        self._announced = 0.0
        self.total = 0
        self.done = 0
        self.unit = ""
        self.tokens = 0
        self.note = ""
        self._began = self._advanced = monotonic()
        self._bar: Bar | None = None

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
        self._stop()
        self.total, self.done, self.unit, self.tokens = total, 0, unit, 0
        self._began = self._advanced = monotonic()
        self._bar = start_bar(self.label, total, unit)
        self._tell(0.0)

    def advance(self, units: int = 1) -> None:
        """So many more units are done."""
        self.done += units
        self._advanced = monotonic()
        self._show(self.seconds)

    def generated(self, replies: float, tokens: int) -> None:
        """So many more tokens are generated; see `saysel.display.batch_progress`."""
        self.tokens += tokens
        self._show(monotonic() - self._began)

    def warn(self, text: str) -> None:
        """Show a line about the stage, once it is over."""
        echo(f"{self.label}: {text}", err=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def _show(self, seconds: float) -> None:
        """Show how far the work is after so many seconds."""
        if self._bar is not None:
            self._bar.update(self.done, seconds, self.tokens)
            if seconds - self._announced >= interval(self._announced):
                self._tell(seconds)

    def _tell(self, seconds: float) -> None:
        self._announced = seconds
        if self._announce is not None:
            self._announce(
                done=self.done,
                total=self.total,
                unit=self.unit,
                seconds=round(seconds, 3),
                tokens=self.tokens,
            )

    def _stop(self) -> None:
        """End what the last `begin` has started to show."""
        if self._bar is not None:
            self._bar.stop(self.done, self.seconds, self.note)
            self._bar = None
