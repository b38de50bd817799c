"""Walks the plan: skips what is done, runs the rest, keeps manifest and events.

A step's directory below `stages/` is named by its fingerprint and counts once its `done.json` is
there, so that being killed at any moment costs the shards in flight and nothing else.
"""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from saysel import registry
from saysel.costs import requests
from saysel.costs.ledger import Ledger, warnings
from saysel.errors import RunBusy, SayselError, StageError
from saysel.leaks import check
from saysel.plan.plan import Plan, Step, plan
from saysel.plan.stage_names import DATA, STAGES
from saysel.recipes.components import components
from saysel.recipes.questions import questions
from saysel.recipes.recipe import Recipe
from saysel.recipes.text import dump_yaml
from saysel.report import Row, is_whole, read_metrics
from saysel.runs.events import Events
from saysel.runs.manifest import Manifest, peak_memory, reset_peak_memory
from saysel.runs.progress import StageProgress
from saysel.stages import StageContext, stage_directory
from saysel.storage import DONE, disk_error, finish, finished, intact_record, verify, write_text
from saysel.storage.sqlite import NO_LOCKS, no_locks

#: Less free space than this when something fails means that the disk was full.
FULL = 1 << 20


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes:
        directory: the run directory.
        ran: names of the steps that had something to do.
        rows: rows of the report; empty if the report was up to date or not reached.
        complete: whether all stages are done now.
        notes: what a reader of the rows has to know.
    """

    directory: Path
    ran: tuple[str, ...]
    rows: tuple[Row, ...]
    complete: bool
    notes: tuple[str, ...] = ()


def run(recipe: Recipe, directory: Path, until: str | None = None, smoke: bool = False) -> Outcome:
    """Do what is missing of a recipe.

    Args:
        recipe: what to run.
        directory: the run directory; made if it is not there.
        until: the last stage to run, one of `STAGES`.
        smoke: whether the recipe is the least work that walks every path.

    Raises:
        RunBusy: another process works in the directory.
        DataError: the questions cannot be used, or those to be judged on leak.
        SayselError: something expected went wrong; what is finished is kept.
    """
    todo = plan(recipe, until)
    with locked(directory):
        if smoke:
            shutil.rmtree(directory / "stages", ignore_errors=True)  # a rehearsal is never skipped
        return _run(recipe, todo, directory, until, smoke)


def pending(todo: Plan, directory: Path, until: str | None = None) -> list[Step]:
    """The steps that have something to do, in order."""
    last = STAGES.index(until) if until else len(STAGES)
    return [
        step
        for step in todo.steps
        if STAGES.index(step.stage) <= last and not _done(directory, step)
    ]


def _run(recipe: Recipe, todo: Plan, directory: Path, until: str | None, smoke: bool) -> Outcome:
    complete = until in (None, STAGES[-1])
    # Nothing will be judged, so there need not be questions to judge on.
    data_only = until in DATA and not any(cell.recipe.train for cell in todo.cells)
    steps = pending(todo, directory, until)
    for step in todo.steps:
        if step not in steps and _done(directory, step):
            verify(stage_directory(directory, step))
    place, described = directory / "recipe.yaml", dump_yaml(recipe.resolved())
    if not steps:
        # Another recipe may have been begun here since, or an option changed that redoes nothing.
        same = place.is_file() and place.read_bytes() == described.encode()
        if not same or intact_record(directory / "manifest.json") is None:
            write_text(place, described)
            Manifest(directory, recipe, todo)
        return Outcome(directory, (), (), complete)
    # Everything that a component or source can find wrong is found before any work.
    for cell in todo.cells:
        for component in components(cell.recipe):
            component.check_installed()
            component.check_available()
        for split in splits(cell.recipe, until):
            questions(cell.recipe, split)
    requests.priced(todo)
    if not data_only:
        check.check(directory, todo)
    write_text(place, described)
    manifest = Manifest(directory, recipe, todo)
    events = Events(directory / "events.jsonl")
    hooks = registry.hooks()
    events.write("run_started", recipe=recipe.name, pending=[step.name for step in steps])
    hooks.saysel_run_started(directory=directory, recipe=recipe.resolved())
    rows: tuple[Row, ...] = ()
    for step in steps:
        if step.stage == "report":
            from saysel.stages.report import draw

            with _stage(directory, step, manifest, events, hooks):
                rows = draw(directory, todo, manifest.content)
            # The page shows the stages before it; drawing it is not news to itself.
            hooks.saysel_run_finished(directory=directory, metrics=read_metrics(directory))
            events.write("run_finished")
            continue
        with _stage(directory, step, manifest, events, hooks) as (progress, counted):
            work = StageContext(
                directory,
                step,
                progress,
                partial(events.write, "training", stage=step.name),
                smoke,
            )
            counted.update(import_module(f"saysel.stages.{step.stage}").run(work))
    ran = tuple(step.name for step in steps)
    return Outcome(directory, ran, rows, complete, _notes(directory, todo, manifest, data_only))


def _notes(directory: Path, todo: Plan, manifest: Manifest, data_only: bool) -> tuple[str, ...]:
    """What a reader of the rows has to know, or of the data where there are no rows."""
    from saysel.report.alarms import stage_alarms

    stages = stage_alarms(manifest.content["stages"])
    return (
        *(() if data_only else check.notes(directory, todo)),
        *(f"! {alarm.row}: {alarm.text}" for alarm in stages),
    )


def splits(recipe: Recipe, until: str | None = None) -> list[str]:
    """The splits of its source that a recipe reads, the pretrain split aside."""
    if until in DATA and not recipe.train:
        return ["train"]
    asked = [split for trainer in recipe.train for split in trainer.splits()]
    trained = ["train", *asked] if recipe.train else []
    fitted = [split for one in recipe.evaluate.estimators for split in one.splits()]
    return list(dict.fromkeys([*trained, *fitted, recipe.evaluate.split]))


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the run directory for this process; the lock goes with the process.

    Raises:
        RunBusy: another process holds it.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(directory / ".lock", timeout=0)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise RunBusy(
            f"{directory}: another saysel process works in this run directory: wait for it, or "
            "choose another with --out"
        ) from None
    except OSError as error:
        if error.errno in NO_LOCKS:
            raise no_locks(directory) from error
        raise disk_error(error, directory) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _stage(
    directory: Path, step: Step, manifest: Manifest, events: Events, hooks: Any
) -> Iterator[tuple[StageProgress, dict[str, Any]]]:
    """One step: its events, progress, failures, manifest entry and marker."""
    place = stage_directory(directory, step)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, place) from error
    events.write("stage_started", stage=step.name, fingerprint=step.fingerprint)
    began = time.time()
    clock = time.monotonic()
    reset_peak_memory()
    counted: dict[str, Any] = {}
    recipe = step.recipe
    ledger = Ledger(directory, step.directory, recipe.max_cost, recipe.prices)
    try:
        with ledger.opened(), StageProgress(step.name) as progress:
            yield progress, counted
    except KeyboardInterrupt:
        events.write("interrupted", stage=step.name)
        raise
    except Exception as error:
        failure = _failure(error, directory)
        _try_to_tell(events, step, failure, traceback.format_exc())
        if isinstance(failure, SayselError):
            raise StageError(
                f"stage '{step.name}' failed: {failure} (log: {directory / 'events.jsonl'}; what "
                "is finished is kept, the same command goes on from there)"
            ) from error
        raise
    record: dict[str, Any] = {
        "fingerprint": step.fingerprint,
        "started": began,
        "seconds": round(time.monotonic() - clock, 3),
        "tokens": counted.pop("tokens", 0),
        "peak_memory_mb": peak_memory(),
        "work": {
            "units": progress.done,
            "unit": progress.unit,
            "seconds": round(progress.seconds, 3),
        },
        **counted,
        **ledger.totals(),
    }
    for line in warnings(record):
        progress.warn(line)
    finish(place, record)
    shutil.rmtree(place / "checkpoints", ignore_errors=True)
    manifest.add(step, record)
    events.write("stage_finished", stage=step.name, **record)
    hooks.saysel_stage_finished(directory=directory, stage=step.name, record=record)


def _failure(error: Exception, directory: Path) -> Exception:
    """The error as expected trouble, where it is: libraries tell of a full disk in many ways."""
    if isinstance(error, SayselError):
        return error
    if "No space left" in str(error) or shutil.disk_usage(directory).free < FULL:
        return StageError("the disk is full: make room and run again")
    if isinstance(error, FileNotFoundError) and error.filename:  # a component looked for it
        return StageError(f"{error.filename}: there is no such file: see to it and run again")
    if isinstance(error, OSError) and error.filename:
        return disk_error(error, Path(str(error.filename)))
    return error


def _try_to_tell(events: Events, step: Step, failure: Exception, trace: str) -> None:
    # The disk that made the stage fail takes no event either.
    with suppress(SayselError):
        events.write("stage_failed", stage=step.name, error=str(failure), traceback=trace)


def _done(directory: Path, step: Step) -> bool:
    place = stage_directory(directory, step)
    if step.stage == "report":  # made of what other stages keep: a damaged one is drawn again
        return intact_record(place / DONE) is not None and is_whole(directory / "report")
    return finished(place) is not None
