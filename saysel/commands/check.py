"""`saysel check`: every problem of a recipe, or what running it would do."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.costs.requests import bill, priced
from saysel.costs.work import work
from saysel.display.terminal import echo
from saysel.interfaces import Model
from saysel.plan.plan import plan
from saysel.recipes.components import components
from saysel.recipes.recipe import load


def check(reference: str, overrides: Sequence[str]) -> None:
    """Print the steps with how much there is to do in each.

    Raises:
        SayselError: see `saysel.recipes.recipe.load`; or the source's data, or a model's
            directory, cannot be used.
    """
    recipe = load(reference, overrides)
    todo = plan(recipe)
    for cell in todo.cells:
        for component in components(cell.recipe):
            component.check_installed()
            if isinstance(component, Model):
                component.check_available()
    priced(todo)
    lines = [("step", "fingerprint", "work", "tokens at most")]
    for step in todo.steps:
        amount = work(step)
        lines.append(
            (
                step.name,
                step.fingerprint,
                f"{amount.units:,} {amount.unit}" if amount.units else "",
                f"{amount.tokens:,}" if amount.tokens else "",
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    cells = len(todo.cells)
    echo(f"{recipe.name}: no problems" + (f"; {cells} cells" if cells > 1 else ""))
    for name, fingerprint, units, tokens in lines:
        text = f"  {name:{widths[0]}}  {fingerprint:{widths[1]}}  {units:>{widths[2]}}"
        echo(f"{text}  {tokens:>{widths[3]}}".rstrip())
    for line in bill(todo):
        echo(f"  {line}")
