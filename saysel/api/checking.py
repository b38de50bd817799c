"""Finds every problem of a recipe before it runs, and counts what running it would do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from saysel.api.running import AnyRecipe, Overrides
from saysel.display.tables import aligned
from saysel.interfaces import Model
from saysel.plan.cost import check_prices, cost_lines
from saysel.plan.memory import memory_lines
from saysel.plan.plan import plan
from saysel.recipes.components import components
from saysel.recipes.digests import digests_computed_once
from saysel.recipes.matrix import axes
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
        axes: of the matrix, with the number of values: `2 reward × 3 seed`.
    """

    recipe: str
    cells: int
    steps: tuple[StepEstimate, ...]
    requests: tuple[str, ...]
    memory: tuple[str, ...] = ()
    axes: str = ""

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if self.cells > 1:
            head = f"{self.recipe}: no problems; {self.cells} cells: {self.axes}"
            rows = [("step", "steps", "work", "tokens at most"), *self._sums()]
            table = aligned(rows)
        else:
            head = f"{self.recipe}: no problems"
            rows = [("step", "fingerprint", "work", "tokens at most")]
            rows += [(one.name, one.fingerprint, *_amount([one])) for one in self.steps]
            table = aligned(rows, left=(0, 1))
        return "\n".join([head, *(f"  {line}" for line in (*table, *self.memory, *self.requests))])

    def _sums(self) -> list[tuple[str, str, str, str]]:
        """The steps of one name together: how many there are, and what they do in all."""
        by_name: dict[str, list[StepEstimate]] = {}
        for step in self.steps:
            by_name.setdefault(step.name, []).append(step)
        return [(name, str(len(steps)), *_amount(steps)) for name, steps in by_name.items()]


def _amount(steps: Sequence[StepEstimate]) -> tuple[str, str]:
    """Work and tokens of some steps of one name."""
    units, tokens = sum(step.units for step in steps), sum(step.tokens for step in steps)
    return f"{units:,} {steps[0].unit}" if units else "", f"{tokens:,}" if tokens else ""


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
        " × ".join(f"{len(axis.choices)} {axis.name}" for axis in axes(loaded.matrix)),
    )
