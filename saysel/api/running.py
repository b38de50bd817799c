"""Runs a recipe, or says which of its steps are still to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from saysel.api.run_directory import Run
from saysel.errors import UsageError
from saysel.mirror import is_address, working_copy
from saysel.plan.cell_choice import chosen_cell
from saysel.plan.plan import plan
from saysel.plan.stage import Stage
from saysel.recipes.recipe import Recipe, load
from saysel.runs.collect import cell_directory, finished_in, places

AnyRecipe = str | PathLike[str] | Mapping[str, Any] | Recipe
Overrides = Sequence[str] | Mapping[str, Any]


def load_recipe(recipe: AnyRecipe, *, set: Overrides = ()) -> Recipe:
    """Read and validate a recipe.

        saysel.load_recipe("quickstart", set={"train.1.reward": "linear"})
        saysel.load_recipe({"name": "mine", "extends": "quickstart", "seed": 1})

    Args:
        recipe: the name of a packaged recipe, a path, a mapping with the keys of a recipe, or a
            recipe.
        set: values by their path in the recipe, or strings `path=value` as on the command
            line; a single one needs no list.

    Raises:
        SayselError: it cannot be read, or something in it is wrong; all problems are named.
    """
    return load(recipe, set)


def run(
    recipe: AnyRecipe,
    out: str | PathLike[str] | None = None,
    *,
    set: Overrides = (),
    until: str | None = None,
    smoke: bool = False,
    shard: bool = False,
    cell: str | int | None = None,
    collect: Sequence[str | PathLike[str]] | PathLike[str] = (),
) -> Run:
    """Run a recipe from questions to report.

        run = saysel.run("quickstart", "runs/linear", set={"train.1.reward": "linear"})
        run.scores["ppo:verbalized"]["brier"].value

    Stages that are done and unchanged are skipped; an interrupted run continues when it is
    started again.

    Args:
        recipe, set: see `load_recipe`.
        out: the run directory; by default `runs/NAME`, NAME being the recipe's name.
        until: the last stage to run: `sample`, `target`, `train` … Training data is built up to
            it even if nothing is trained.
        smoke: run every stage with the least work, in a separate directory (`OUT-smoke`).
        shard: where a launcher such as torchrun has started this program in several processes,
            shard models over them while they are trained (FSDP2), instead of copying them.
        cell: run a single cell of a matrix: its number, its label, or a part of the label that no
            other cell has. Its run directory is `OUT/cells/NUMBER`; a run of the whole recipe in
            OUT uses what was done there.
        collect: other run directories, or one, whose finished steps are used, if they are the
            same steps.

    A run directory may be on shared storage, such as `s3://bucket/run`; see `saysel.mirror`.

    Raises:
        SayselError: the recipe is wrong, a package is missing, or a stage failed; what is
            finished is kept.
    """
    from saysel.hf import processes
    from saysel.runs.run import run as start

    processes.join(shard)
    chosen, directory = _resolved(recipe, out, set, smoke, cell)
    if processes.rank():
        processes.follow()
        return Run(directory)
    with processes.leading():
        outcome = start(chosen, directory, until, smoke, _others(collect, smoke))
    return Run(directory, ran=outcome.ran, notes=outcome.notes)


def pending(
    recipe: AnyRecipe,
    out: str | PathLike[str] | None = None,
    *,
    set: Overrides = (),
    until: str | None = None,
    smoke: bool = False,
    cell: str | int | None = None,
    collect: Sequence[str | PathLike[str]] | PathLike[str] = (),
) -> tuple[Path, list[Stage]]:
    """The run directory, and the steps that `run` would do there; nothing is done.

    Args:
        recipe, out, set, until, smoke, cell, collect: see `run`.

    Raises:
        SayselError: the recipe is wrong.
    """
    from saysel.runs.run import pending as missing
    from saysel.runs.run import wanted

    chosen, directory = _resolved(recipe, out, set, smoke, cell)
    others, todo = _others(collect, smoke), plan(chosen, until)
    if smoke:
        return directory, wanted(todo, until)
    available = places(directory, others)
    steps = missing(todo, directory, until)
    return directory, [step for step in steps if finished_in(available, step) is None]


def full_run_estimate(recipe: AnyRecipe, rehearsal: Run, *, set: Overrides = ()) -> str:
    """A line that says how long a recipe takes, from its finished smoke run."""
    from saysel.runs.smoke import full_run_estimate as estimate

    return estimate(load(recipe, set), rehearsal.directory)


def _resolved(
    recipe: AnyRecipe,
    out: str | PathLike[str] | None,
    set: Overrides,
    smoke: bool,
    cell: str | int | None,
) -> tuple[Recipe, Path]:
    """The recipe, and its run directory; a smoke run must not touch the stages of the full run."""
    full = load(recipe, set)
    directory = Path(out) if out is not None else Path("runs") / full.name
    if smoke:
        full, directory = full.smoke(), Path(f"{directory}-smoke")
    if cell is None:
        return full, working_copy(directory)
    whole = plan(full)
    chosen = chosen_cell(directory, whole, cell)
    title = chosen.recipe.report.title or chosen.recipe.name
    report = chosen.recipe.report.model_copy(update={"title": f"{title}: {chosen.label}"})
    return (
        chosen.recipe.model_copy(update={"report": report}),
        _cell_copy(directory, chosen.number),
    )


def _others(collect: Sequence[str | PathLike[str]] | PathLike[str], smoke: bool) -> list[Path]:
    """The run directories to collect from."""
    if smoke and collect:
        raise UsageError("a smoke run repeats every step and collects none: leave out --collect")
    places = [collect] if isinstance(collect, (str, PathLike)) else collect
    return [working_copy(place, to_read=is_address(place)) for place in places]


def _cell_copy(directory: Path, number: int) -> Path:
    """Where a cell is run; the steps of the whole run and of other cells can be used there."""
    working_copy(directory)
    return working_copy(cell_directory(directory, number))
