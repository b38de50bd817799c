"""A run as its log tells it, for people who watch it from another terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from saysel.display.durations import duration
from saysel.display.tables import aligned
from saysel.runs.lock import is_worked_on
from saysel.storage.event_log import events
from saysel.storage.mirrors import mirror_of

#: Seconds between two looks at the log, and at one on shared storage.
POLL_SECONDS, REMOTE_POLL_SECONDS = 0.5, 10.0
#: Figures of a training step that are shown, if a trainer records them.
SHOWN = ("loss", "reward", "accuracy", "parse_rate", "confidence", "kl")
#: Events after which nothing follows until the run is started again.
ENDS = ("run_finished", "run_stopped", "stage_failed", "interrupted")
#: How a run has ended that is no longer worked on, and whose log does not say why.
ABANDONED = "abandoned"


@dataclass
class StageState:
    """What is known of a stage of a run.

    Attributes:
        name: of the stage.
        cell: of the matrix, the first that needs the stage; empty without a matrix.
        state: `to do`, `running`, `done`, `failed` or `interrupted`.
        started: when, in seconds since 1970.
        seconds: that it took.
        progress: the last event about how much of its work is done.
        step: the last training step, with its figures.
        note: why it failed.
    """

    name: str
    cell: str = ""
    state: str = "to do"
    started: float = 0.0
    seconds: float | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)
    step: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def row(self, now: float) -> list[str]:
        """Name, state, duration and what else is known."""
        seconds = now - self.started if self.state == "running" else self.seconds
        return [self.name, self.state, _duration(seconds), self.details(now)]

    def details(self, now: float) -> str:
        """`120 of 400 steps, about 3 min 10 s left, reward 0.731`; or why it failed."""
        if self.note:
            return self.note
        progress = _progress(self.progress, now) if self.state == "running" else []
        figures = _figures(self.step)
        step = [f"step {self.step['step']:g}"] if "step" in self.step and not progress else []
        return ", ".join([*progress, *step, *figures])

    @property
    def share(self) -> float:
        """Share of its work that is done, in [0, 1]."""
        if self.state == "done":
            return 1.0
        return self.progress["done"] / self.progress["total"] if self.progress.get("total") else 0.0


@dataclass
class RunState:
    """What is known of a run.

    Attributes:
        recipe: its name; empty before the first event.
        time: of the last event, in seconds since 1970.
        stages: by fingerprint, in the order of the run: cells of a matrix have stages of the same
            name.
        ended: the event that ended it, or `ABANDONED`; empty until then.
    """

    recipe: str = ""
    time: float = 0.0
    stages: dict[str, StageState] = field(default_factory=dict)
    ended: str = ""
    _last: StageState | None = None  # the stage that was started last

    def update(self, event: Mapping[str, Any]) -> StageState | None:
        """Take an event into account.

        Returns:
            The stage that it is about, if it is about one.
        """
        kind = event["event"]
        self.ended = kind if kind in ENDS else ""
        self.time = float(event.get("time", 0.0))
        if kind == "run_started":
            self.recipe = str(event.get("recipe", ""))
            listed = {str(step["fingerprint"]): step for step in event.get("steps", ())}
            self.stages = {key: self._listed(key, step) for key, step in listed.items()}
        if "stage" not in event:
            return None
        if kind == "stage_started":
            self._last = self._started(event)
        stage = self._last
        if stage is None:  # the log has lost its beginning
            return None
        if kind == "progress":
            stage.progress = event
        elif kind == "training":
            stage.step = event
        elif kind == "stage_finished":
            stage.state, stage.seconds = "done", event.get("seconds")
        elif kind == "stage_failed":
            stage.state, stage.note = "failed", str(event.get("error", ""))
        elif kind == "interrupted":
            stage.state = "interrupted"
        return stage

    def abandon(self) -> None:
        """Take into account that no process works on the run any more."""
        if self.ended:
            return
        self.ended = ABANDONED
        for stage in self.stages.values():
            if stage.state == "running":
                stage.state = "interrupted"

    def lines(self, now: float | None = None) -> list[str]:
        """A table of the stages; a cell of a matrix is a single line before and after its work."""
        at = time.time() if now is None else now
        rows, cell = [], ""
        for stage in folded(self.stages.values()):
            if stage.cell and stage.cell != cell:
                rows.append([stage.cell, "", "", ""])
            cell = stage.cell
            name, *rest = stage.row(at)
            rows.append([f"  {name}" if cell else name, *rest])
        return aligned(rows, (0, 1, 3))

    def _listed(self, fingerprint: str, step: Mapping[str, Any]) -> StageState:
        """A stage at the start of the run; one that is done may be known from the run before."""
        before, cell = self.stages.get(fingerprint), str(step.get("cell", ""))
        if step.get("done") and before is not None and before.state == "done":
            return replace(before, cell=cell)
        state = "done" if step.get("done") else "to do"
        return StageState(str(step["stage"]), cell, state)

    def _started(self, event: Mapping[str, Any]) -> StageState:
        name, fingerprint = str(event["stage"]), str(event.get("fingerprint", event["stage"]))
        cell = self.stages[fingerprint].cell if fingerprint in self.stages else ""
        self.stages[fingerprint] = StageState(name, cell, "running", self.time)
        return self.stages[fingerprint]


def read(run: Path) -> RunState:
    """What is known of a run now."""
    state, working = RunState(), is_worked_on(run)
    for event in events(run / "events.jsonl"):
        state.update(event)
    if working is False:
        state.abandon()
    return state


def follow(
    run: Path, state: RunState, idle: Callable[[], object]
) -> Iterator[tuple[str, StageState | None]]:
    """Follow a run, which may not have begun, until no process works on it any more.

    Args:
        state: is updated with each event.
        idle: called when there is nothing new.

    Yields:
        The name of each event, and the stage that it is about, if any.
    """
    working, begun = True, False

    def wait() -> bool:
        nonlocal working
        if begun and not working:  # and its last events have been read since
            return False
        idle()
        locked = is_worked_on(run)
        working = not state.ended if locked is None else locked
        _read_again(run, pause=working or not begun)
        return True

    for event in events(run / "events.jsonl", wait):
        working = begun = True
        yield event["event"], state.update(event)
    state.abandon()


def _read_again(run: Path, pause: bool) -> None:
    """Wait before the next look at a run; a log on shared storage is fetched again."""
    mirror = mirror_of(run)
    if pause:
        time.sleep(POLL_SECONDS if mirror is None else REMOTE_POLL_SECONDS)
    if mirror is not None:
        mirror.refresh("events.jsonl")


def folded(stages: Iterable[StageState]) -> Iterator[StageState]:
    """The stages, with a single one for each cell of a matrix that is done or to do."""
    for cell, group in groupby(stages, attrgetter("cell")):
        members = list(group)
        states = {stage.state for stage in members}
        if cell and states in ({"done"}, {"to do"}):
            seconds = [stage.seconds for stage in members if stage.seconds is not None]
            yield StageState(
                cell, state=members[0].state, seconds=sum(seconds) if seconds else None
            )
        else:
            yield from members


def _duration(seconds: float | None) -> str:
    return "" if seconds is None else duration(max(0.0, seconds))


def _progress(event: Mapping[str, Any], now: float) -> list[str]:
    """`120 of 400 questions`, and the time left as the speed so far suggests."""
    if not event:
        return []
    done, total, seconds = event["done"], event["total"], event["seconds"]
    parts = [f"{done:,} of {total:,} {event['unit']}"]
    if done:
        left = (total - done) * seconds / done - (now - event["time"])
        parts.append(f"about {duration(max(0.0, left))} left")
    return parts


def _figures(step: Mapping[str, Any]) -> list[str]:
    """`reward 0.731`, `kl 0.21`."""
    return [f"{name} {step[name]:.3g}" for name in SHOWN if isinstance(step.get(name), int | float)]
