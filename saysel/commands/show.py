"""`saysel show`: a recipe with every default written out."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.display.terminal import echo
from saysel.recipes.recipe import load
from saysel.recipes.text import dump_yaml


def show(recipe: str, overrides: Sequence[str]) -> None:
    """Print the recipe; what is printed is a recipe again.

    Raises:
        UsageError: see `saysel.recipes.recipe.load`.
    """
    echo(dump_yaml(load(recipe, overrides).resolved()), nl=False)
