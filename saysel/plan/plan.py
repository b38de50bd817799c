"""From a recipe to its steps: which stages run, on what, in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from saysel.errors import RecipeError, UsageError
from saysel.plan.checks import incompatibilities
from saysel.plan.stage import BASE, Cell, Plan, Stage
from saysel.plan.stage_names import load_stages, position
from saysel.recipes.digests import digests_computed_once
from saysel.recipes.matrix import combinations
from saysel.recipes.phases import phases
from saysel.recipes.recipe import Recipe


def plan(recipe: Recipe, until: str | None = None) -> Plan:
    """The steps of a recipe. Cells of a matrix share the steps whose fingerprints agree.

    Args:
        recipe: the recipe to run.
        until: the last stage to run. A recipe that trains nothing builds training data only if
            this is one of the stages that do.

    Raises:
        RecipeError: components cannot work together, see `saysel.plan.checks`.
        UsageError: the recipe does not have the last stage.
    """
    data_stages = [name for name, stage in load_stages().items() if stage.makes_training_data]
    todo = _plan(recipe, training_data=until in data_stages)
    stages = {*data_stages, *(step.stage for step in todo.steps)}
    if until is not None and until not in stages:
        names = ", ".join(sorted(stages, key=position))
        raise UsageError(f"until '{until}': this recipe has no such stage: use one of {names}")
    return todo


def plan_with_training_data(recipe: Recipe) -> Plan:
    """The steps of a recipe and those that make training data, even if it trains nothing."""
    return _plan(recipe, training_data=True)


def _plan(recipe: Recipe, training_data: bool) -> Plan:
    combined = zip(combinations(recipe.matrix), recipe.cells(), strict=True)
    cells = [
        Cell(label, cell, number=number, choices=combination.choices)
        for number, (combination, (label, cell)) in enumerate(combined, 1)
    ]
    for cell in cells:
        models = [BASE, *(name for name, _ in phases(cell.recipe.train))]
        if problems := incompatibilities(cell.recipe, models):
            raise RecipeError(cell.recipe.name, problems)
    steps: list[Stage] = []
    with digests_computed_once():
        for stage in load_stages().values():
            cells = [_extended(cell, stage, training_data, steps) for cell in cells]
            steps += _new(stage.run_steps(recipe, cells), steps)
    of_cells = dict.fromkeys(step for cell in cells for step in cell.steps)
    return Plan(recipe, tuple(cells), tuple(dict.fromkeys([*of_cells, *steps])))


def _extended(cell: Cell, stage: type[Stage], training_data: bool, steps: list[Stage]) -> Cell:
    """The cell with the steps that a stage adds; those that no other cell has go to `steps`."""
    if stage.makes_training_data and not (cell.recipe.train or training_data):
        return cell
    added = list(stage.cell_steps(cell))
    steps += _new(added, steps)
    known = {step.directory: step for step in steps}
    shared = (known[step.directory] for step in added)
    return replace(cell, steps=(*cell.steps, *shared))


def _new(added: Iterable[Stage], steps: Sequence[Stage]) -> list[Stage]:
    known = {step.directory for step in steps}
    return [step for step in added if step.directory not in known]
