"""Walks a plan: skips what is done, runs the rest.

A step's directory below `stages/` is named by its fingerprint and counts once its `done.json` is
there, so that being killed at any moment costs the shards in flight and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saysel import registry
from saysel.display.terminal import echo
from saysel.leaks import check
from saysel.plan.cost import check_prices
from saysel.plan.plan import plan
from saysel.plan.stage import Cell, Plan, Stage
from saysel.plan.stage_names import STAGES, load_stages, position
from saysel.recipes.components import components
from saysel.recipes.digests import digests_computed_once
from saysel.recipes.questions import questions
from saysel.recipes.recipe import Recipe
from saysel.recipes.text import dump_yaml
from saysel.report import read_metrics
from saysel.runs.collect import collect, places
from saysel.runs.events import Events
from saysel.runs.lock import locked
from saysel.runs.manifest import Manifest
from saysel.runs.step import StepRunner
from saysel.storage import intact_record, remove_tree, verify, write_atomically, write_text
from saysel.storage.markers import CHECKPOINTS


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes:
        directory: the run directory.
        ran: names of the steps that had something to do.
        complete: whether all stages are done now.
        notes: remarks on the results, one line each.
    """

    directory: Path
    ran: tuple[str, ...]
    complete: bool
    notes: tuple[str, ...] = ()


def run(
    recipe: Recipe,
    directory: Path,
    until: str | None = None,
    smoke: bool = False,
    collect_from: Sequence[Path] = (),
) -> Outcome:
    """Do what is missing of a recipe.

    Args:
        recipe: what to run.
        directory: the run directory; made if it is not there.
        until: the last stage to run, one of `STAGES`.
        smoke: whether the recipe is the least work that uses every stage.
        collect_from: run directories whose finished steps are used, in addition to those of the
            cells of a matrix run.

    Raises:
        RunBusy: another process works in the directory.
        DataError: the questions cannot be used, or evaluated questions leak.
        SayselError: something expected went wrong; what is finished is kept.
    """
    with digests_computed_once():
        todo = plan(recipe, until)
        with locked(directory):
            if smoke:
                remove_tree(directory / "stages")  # repeated every time
            else:
                missing = pending(todo, directory, until)
                collect(missing, directory, places(directory, collect_from))
            try:
                return _run(todo, directory, until, smoke)
            finally:
                for cell in todo.cells:
                    cell.recipe.engine.release()


def pending(todo: Plan, directory: Path, until: str | None = None) -> list[Stage]:
    """The steps that have something to do, in order."""
    return [step for step in wanted(todo, until) if not step.is_done(directory)]


def wanted(todo: Plan, until: str | None) -> list[Stage]:
    """The steps up to a stage, done or not."""
    last = position(until) if until else len(STAGES)
    return [step for step in todo.steps if position(step.stage) <= last]


def _run(todo: Plan, directory: Path, until: str | None, smoke: bool) -> Outcome:
    recipe = todo.recipe
    complete = until is None or position(until) == len(STAGES) - 1
    steps = pending(todo, directory, until)
    _verify_finished(todo, steps, directory)
    if not steps:
        _update_description(todo, directory)
        return Outcome(directory, (), complete)

    evaluates = not _only_makes_training_data(todo, until)
    _validate(todo, todo.steps if evaluates else steps)
    if evaluates:
        check.check(directory, todo)

    _write_recipe(recipe, directory)
    manifest = Manifest(directory, recipe, todo)
    hooks = registry.hooks()
    events = Events(
        directory / "events.jsonl",
        lambda event: hooks.saysel_event(directory=directory, event=event),
    )
    listed = [_listed(todo, step, step not in steps) for step in wanted(todo, until)]
    events.write("run_started", recipe=recipe.name, steps=listed)
    hooks.saysel_run_started(directory=directory, recipe=recipe.resolved())
    runner = StepRunner(directory, manifest, events, hooks, smoke)
    _run_steps(todo, steps, runner)
    if complete:
        hooks.saysel_run_finished(directory=directory, metrics=read_metrics(directory))
        events.write("run_finished")
    else:
        events.write("run_stopped", until=until)

    notes = check.notes(directory, todo) if evaluates else []
    notes += [] if smoke else _stage_notes(manifest)
    names = tuple(step.name for step in steps)
    return Outcome(directory, names, complete, tuple(notes))


def _run_steps(todo: Plan, steps: Sequence[Stage], runner: StepRunner) -> None:
    cell = None
    for step in steps:
        cell = _announce_cell(todo, step, cell)
        if step.trains:
            step.recipe.engine.release()
        runner.run(step, cell)


def _listed(todo: Plan, step: Stage, done: bool) -> dict[str, Any]:
    """A step as the log lists it when a run starts."""
    cell = todo.cell_of(step)
    label = {"cell": cell.label} if cell is not None and cell.label else {}
    return {"stage": step.name, "fingerprint": step.fingerprint, **label, "done": done}


def _announce_cell(todo: Plan, step: Stage, previous: Cell | None) -> Cell | None:
    """Say which cell of a matrix a step is for, if that is another one than before.

    Returns:
        The cell; `None` for a step that reads all cells.
    """
    cell = todo.cell_of(step)
    if cell is not None and cell.label and cell is not previous:
        echo(f"cell {cell.number} of {len(todo.cells)}: {cell.label}", err=True)
    return cell


def _verify_finished(todo: Plan, steps: Sequence[Stage], directory: Path) -> None:
    """Check the files of the steps that are done, and delete checkpoints that a kill has left.

    Raises:
        DamagedFile: they are not what was written.
    """
    for step in todo.steps:
        if step not in steps and step.is_done(directory):
            verify(step.directory_in(directory))
            if (checkpoints := step.directory_in(directory) / CHECKPOINTS).is_dir():
                remove_tree(checkpoints)


def _update_description(todo: Plan, directory: Path) -> None:
    """Describe the recipe where there is nothing to do.

    Another one may have been started in the directory, or an option changed that repeats nothing.
    """
    path, text = directory / "recipe.yaml", dump_yaml(todo.recipe.resolved())
    same = path.is_file() and path.read_bytes() == text.encode()
    if not same or intact_record(directory / "manifest.json") is None:
        _write_recipe(todo.recipe, directory)
        Manifest(directory, todo.recipe, todo)


def _write_recipe(recipe: Recipe, directory: Path) -> None:
    """The resolved recipe and a copy of the sayselfile.py in use, so that it loads anywhere."""
    write_text(directory / "recipe.yaml", dump_yaml(recipe.resolved()))
    source, copy = registry.sayselfile_in_use(), directory / "sayselfile.py"
    if source is None:
        copy.unlink(missing_ok=True)
    elif source != copy.absolute():
        content = source.read_bytes()
        write_atomically(copy, lambda file: file.write(content))


def _only_makes_training_data(todo: Plan, until: str | None) -> bool:
    """Whether nothing is trained or evaluated, so that there need not be evaluated questions."""
    return (
        until is not None
        and load_stages()[until].makes_training_data
        and not any(cell.recipe.train for cell in todo.cells)
    )


def _validate(todo: Plan, steps: Sequence[Stage]) -> None:
    """Let components and the source report their problems before any work.

    Args:
        steps: those whose questions are read.

    Raises:
        UsageError: a component lacks a package or a key, or `max_cost` cannot be kept.
        DataError: the questions of a split cannot be used.
    """
    for cell in todo.cells:
        for component in components(cell.recipe):
            component.check_installed()
            component.check_available()
    for step in steps:
        for split in step.splits():
            questions(step.recipe, split)
    check_prices(todo)


def _stage_notes(manifest: Manifest) -> list[str]:
    """Alarms about the stages that sample."""
    from saysel.report.alarms import stage_alarms

    return [f"! {alarm.row}: {alarm.text}" for alarm in stage_alarms(manifest.content["stages"])]
