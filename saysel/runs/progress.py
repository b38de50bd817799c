"""How far a stage is, and how long a unit of its work takes."""

from __future__ import annotations

from time import monotonic
from types import TracebackType

from typing_extensions import Self

from saysel.display.bars import Bar, start_bar
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

    def __init__(self, label: str) -> None:
        self.label = label
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

    def advance(self, units: int = 1) -> None:
        """So many more units are done."""
        self.done += units
        self._advanced = monotonic()
        if self._bar is not None:
            self._bar.update(self.done, self.seconds, self.tokens)

    def generated(self, replies: float, tokens: int) -> None:
        """So many more tokens are generated; see `saysel.display.batch_progress`."""
        self.tokens += tokens
        if self._bar is not None:
            self._bar.update(self.done, monotonic() - self._began, self.tokens)

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

    def _stop(self) -> None:
        """End what the last `begin` has started to show."""
        if self._bar is not None:
            self._bar.stop(self.done, self.seconds, self.note)
            self._bar = None
