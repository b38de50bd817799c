"""Writes the page of a run that is still going, from the run's log and what it has stored.

It needs nothing of the process that works, so it can be drawn from another one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from saysel.display.durations import duration
from saysel.plan.plan import plan_with_training_data
from saysel.plan.stage import Cell, Plan, Stage
from saysel.recipes.recipe import load
from saysel.records import Prediction, Response
from saysel.report import Report
from saysel.report.unfinished import REFRESH_SECONDS, StepState, page
from saysel.runs.follow import ABANDONED, RunState, StageState, folded
from saysel.stages import sample
from saysel.stages.evaluate import EvaluateStage
from saysel.stages.report import ReportStage, training_of
from saysel.stages.sample import SampleStage
from saysel.stages.train import TrainStage
from saysel.storage import Shards, encodable, finished, intact_record, write_text
from saysel.storage.mirrors import bring_again

FILE = "unfinished.html"


class UnfinishedPage:
    """`report/unfinished.html` of a run directory.

    Attributes:
        path: the page.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.path = run / "report" / FILE
        self._due = 0.0
        self._recipe = b""
        self._plan: Plan | None = None
        #: The report of the steps with these fingerprints: scores take long to compute.
        self._scored: tuple[tuple[str, ...], Report] | None = None

    def write_if_due(self, state: RunState) -> None:
        """Write the page unless it is recent; drawing it takes at most a tenth of the time.

        Raises:
            SayselError: see `write`.
        """
        began = time.monotonic()
        if began >= self._due:
            self.write(state)
            now = time.monotonic()
            self._due = now + max(REFRESH_SECONDS, 9 * (now - began))

    def write(self, state: RunState) -> None:
        """Write the page, if the run has begun.

        Raises:
            SayselError: the recipe or what the run has stored cannot be read.
        """
        bring_again(self.run)
        todo = self._current_plan()
        if todo is not None:
            self.path.parent.mkdir(exist_ok=True)
            text = self._page(todo, state, time.time())
            write_text(self.path, encodable(text))

    def _current_plan(self) -> Plan | None:
        """The plan of the recipe in the directory, which another run may have replaced."""
        path = self.run / "recipe.yaml"
        content = path.read_bytes() if path.is_file() else b""
        if content != self._recipe:
            self._recipe, self._plan = content, plan_with_training_data(load(path))
        return self._plan

    def _page(self, todo: Plan, state: RunState, now: float) -> str:
        reached = [s for s in todo.steps if not state.stages or s.fingerprint in state.stages]
        done = [step for step in todo.steps if step.is_done(self.run)]
        stages = [
            _stage(step, todo.cell_of(step), state.stages.get(step.fingerprint), self.run)
            for step in reached
        ]
        begun = {key for key, stage in state.stages.items() if stage.state != "to do"}
        running = [s for s in todo.steps if s not in done and s.fingerprint in begun]
        manifest = intact_record(self.run / "manifest.json") or {}
        recorded = dict(manifest.get("stages") or {})
        for step in running:
            recorded |= _replies(self.run, step)
        report = replace(
            self._report(todo, done),
            manifest={**manifest, "stages": recorded},
            training=tuple(
                training
                for step in todo.of(TrainStage)
                if step in (done if len(todo.cells) == 1 else ()) or step in running
                if (training := training_of(self.run, step)) is not None
            ),
        )
        rows = [_row(stage, now) for stage in folded(stages)]
        return page(report, rows, _summary(stages, state, now), state.ended)

    def _report(self, todo: Plan, done: Sequence[Stage]) -> Report:
        """What the finished steps say."""
        key = tuple(step.fingerprint for step in done)
        if self._scored is None or self._scored[0] != key:
            (step,) = todo.of(ReportStage)
            cells = [
                replace(cell, steps=tuple(each for each in cell.steps if each in done))
                for cell in todo.cells
            ]
            evaluated = [cell for cell in cells if cell.of(EvaluateStage)]
            self._scored = key, step.so_far(self.run, evaluated)
        return self._scored[1]


def _stage(step: Stage, cell: Cell | None, known: StageState | None, run: Path) -> StageState:
    """What is known of a step: from its marker, else from the log."""
    label = cell.label if cell is not None else ""
    done = finished(step.directory_in(run))
    if done is not None:
        return StageState(step.name, label, "done", seconds=done.get("seconds"))
    return known or StageState(step.name, label)


def _row(stage: StageState, now: float) -> StepState:
    name, state, took, details = stage.row(now)
    return StepState(stage.cell, name, state, stage.share, took, details)


def _replies(run: Path, step: Stage) -> dict[str, Mapping[str, Any]]:
    """How many replies the finished shards of a step have that could not be read."""
    directory = step.directory_in(run)
    if isinstance(step, SampleStage):
        counts = sample.counts(Shards(directory, Response))
    elif isinstance(step, EvaluateStage):
        counts = {"replies": step.tally(list(Shards(directory, Prediction))).record()}
    else:
        return {}
    return {f"{step.name} so far": counts} if counts["replies"]["replies"] else {}


def _summary(stages: Sequence[StageState], state: RunState, now: float) -> str:
    """How far the run is, and when this was written."""
    done = sum(stage.state == "done" for stage in stages)
    what = {
        "run_finished": "The run is finished.",
        "run_stopped": "The run has stopped at the stage that --until names.",
        "stage_failed": "The run has failed.",
        "interrupted": "The run was interrupted.",
        ABANDONED: "The run ended without finishing: no process works on it any more.",
    }.get(state.ended, f"{done} of {len(stages)} steps are done.")
    for stage in stages:
        if stage.state == "running" and not state.ended:
            details, cell = stage.details(now), f" ({stage.cell})" if stage.cell else ""
            what += f" {stage.name}{cell} is running{': ' * bool(details)}{details}."
    written = datetime.fromtimestamp(now, timezone.utc)
    ago = duration(max(0.0, now - state.time))
    return f"{what} Written at {written:%H:%M:%S} UTC, {ago} after the last event of the run."
