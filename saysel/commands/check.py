"""`saysel check`: every problem of a recipe, or what running it would do."""

from __future__ import annotations

import click

from saysel.commands.options import overrides
from saysel.display.terminal import echo


@click.command("check")
@click.argument("recipe")
@overrides
def command(recipe: str, overrides: tuple[str, ...]) -> None:
    """List the problems of a recipe, or what running it would do.

    \b
    Example:
      saysel check my-recipe.yaml
    """
    from saysel.api.checking import check

    echo(check(recipe, set=overrides))
