"""`saysel show`: a recipe with every default written out."""

from __future__ import annotations

import click

from saysel.commands.options import overrides
from saysel.display.terminal import echo


@click.command("show")
@click.argument("recipe")
@overrides
def command(recipe: str, overrides: tuple[str, ...]) -> None:
    """Print a recipe with every default written out.

    \b
    Example:
      saysel show quickstart > my-recipe.yaml
    """
    from saysel.recipes.recipe import load
    from saysel.recipes.text import dump_yaml

    echo(dump_yaml(load(recipe, overrides).resolved()), nl=False)
