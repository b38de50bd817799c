"""Finds every problem of a recipe before it runs, and counts what running it would do."""

from __future__ import annotations

from dataclasses import dataclass

from saysel.api.running import AnyRecipe, Overrides
from saysel.display.tables import aligned
from saysel.interfaces import Model
from saysel.plan.cost import check_prices, cost_lines
from saysel.plan.memory import memory_lines
from saysel.plan.plan import plan
from saysel.recipes.components import components
from saysel.recipes.digests import digests_computed_once
from saysel.recipes.recipe import Recipe, load


@dataclass(frozen=True)
class StepEstimate:
    """What one step of a plan has to do.

    Attributes:
        name: such as `train-ppo`.
        fingerprint: of everything that determines its result.
        units, unit: amount of work: 3,000 questions, 500 steps; 0 where it is not counted.
        tokens: tokens that are generated, at most; 0 where none are, or their number is unknown.
    """

    name: str
    fingerprint: str
    units: int
    unit: str
    tokens: int


@dataclass(frozen=True, repr=False)
class Check:
    """What running a recipe would do.

    Attributes:
        recipe: its name.
        cells: combinations of its matrix; 1 without a matrix.
        steps: in the order in which they run.
        requests: lines about what is asked of paid servers and what it costs.
        memory: lines about what training needs, where that is much or unknown.
    """

    recipe: str
    cells: int
    steps: tuple[StepEstimate, ...]
    requests: tuple[str, ...]
    memory: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        head = f"{self.recipe}: no problems" + (f"; {self.cells} cells" if self.cells > 1 else "")
        rows = [("step", "fingerprint", "work", "tokens at most"), *map(_row, self.steps)]
        lines = [*aligned(rows, left=(0, 1)), *self.memory, *self.requests]
        return "\n".join([head, *(f"  {line}" for line in lines)])


def _row(step: StepEstimate) -> tuple[str, str, str, str]:
    work = f"{step.units:,} {step.unit}" if step.units else ""
    return step.name, step.fingerprint, work, f"{step.tokens:,}" if step.tokens else ""


def check(recipe: AnyRecipe, *, set: Overrides = ()) -> Check:
    """Check a recipe without running it.

        saysel.check("quickstart")

    Args:
        recipe, set: see `saysel.load_recipe`.

    Returns:
        The steps with their work, and what is asked of paid servers.

    Raises:
        SayselError: something in the recipe is wrong, a package that a component needs is not
            installed, or the source's data or a model's directory cannot be used.
    """
    with digests_computed_once():
        return _checked(load(recipe, set))


def _checked(loaded: Recipe) -> Check:
    todo = plan(loaded)
    for cell in todo.cells:
        for component in components(cell.recipe):
            component.check_installed()
            if isinstance(component, Model):
                component.check_available()
    check_prices(todo)
    amounts = [(step, step.work()) for step in todo.steps]
    return Check(
        loaded.name,
        len(todo.cells),
        tuple(
            StepEstimate(step.name, step.fingerprint, amount.units, amount.unit, amount.tokens)
            for step, amount in amounts
        ),
        tuple(cost_lines(todo)),
        tuple(memory_lines(todo)),
    )
