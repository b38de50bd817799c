"""A run as its log tells it, for people who watch it from another terminal."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from saysel.display.durations import duration
from saysel.display.tables import aligned
from saysel.storage.mirrors import mirror_of

#: Seconds between two looks at the log, and at one on shared storage.
POLL_SECONDS, REMOTE_POLL_SECONDS = 0.5, 10.0
#: Figures of a training step that are shown, if a trainer records them.
SHOWN = ("loss", "reward", "accuracy", "parse_rate", "confidence", "kl")
#: Events after which nothing follows until the run is started again.
ENDS = ("run_finished", "stage_failed", "interrupted")


def pause(run: Path) -> None:
    """Wait before the next look at a run; a log on shared storage is fetched again."""
    mirror = mirror_of(run)
    if mirror is None:
        time.sleep(POLL_SECONDS)
    else:
        time.sleep(REMOTE_POLL_SECONDS)
        mirror.refresh("events.jsonl")


@dataclass
class StageState:
    """What is known of a stage.

    Attributes:
        state: `to do`, `running`, `done`, `failed` or `interrupted`.
        fingerprint: of the step that was last started under this name.
        started: when, in seconds since 1970.
        seconds: that it took.
        progress: the last event about how much of its work is done.
        step: the last training step, with its figures.
        note: why it failed.
    """

    state: str = "to do"
    fingerprint: str = ""
    started: float = 0.0
    seconds: float | None = None
    progress: Mapping[str, Any] = field(default_factory=dict)
    step: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def row(self, name: str, now: float) -> list[str]:
        """Name, state, duration and what else is known."""
        seconds = now - self.started if self.state == "running" else self.seconds
        took = "" if seconds is None else duration(max(0.0, seconds))
        return [name, self.state, took, self.details(now)]

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
        stages: by name, in the order of the run.
        ended: the event that ended it; empty until then.
    """

    recipe: str = ""
    time: float = 0.0
    stages: dict[str, StageState] = field(default_factory=dict)
    ended: str = ""

    def update(self, event: Mapping[str, Any]) -> None:
        """Take an event into account."""
        kind, name = event["event"], event.get("stage")
        self.ended = kind if kind in ENDS else ""
        self.time = float(event.get("time", 0.0))
        if kind == "run_started":
            self.recipe = str(event.get("recipe", ""))
            pending = [str(each) for each in event.get("pending", ())]
            done = {name: s for name, s in self.stages.items() if s.state == "done"}
            kept = {name: state for name, state in done.items() if name not in pending}
            self.stages = {**kept, **{each: StageState() for each in pending}}
        if not isinstance(name, str):
            return
        stage = self.stages.setdefault(name, StageState())
        if kind == "stage_started":
            fingerprint = str(event.get("fingerprint", ""))
            self.stages[name] = StageState("running", fingerprint, started=self.time)
        elif kind == "progress":
            stage.progress = event
        elif kind == "training":
            stage.step = event
        elif kind == "stage_finished":
            stage.state, stage.seconds = "done", event.get("seconds")
        elif kind == "stage_failed":
            stage.state, stage.note = "failed", str(event.get("error", ""))
        elif kind == "interrupted":
            stage.state = "interrupted"

    def lines(self, now: float | None = None) -> list[str]:
        """A table of the stages."""
        at = time.time() if now is None else now
        return aligned([state.row(name, at) for name, state in self.stages.items()], (0, 1, 3))


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
