"""`saysel show`: a recipe with every default written out."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.recipe import load
from saysel.recipe_yaml import dump
from saysel.terminal import echo


def show(recipe: str, overrides: Sequence[str]) -> None:
    """Print the recipe; what is printed is a recipe again.

    Raises:
        UsageError: see `saysel.recipe.load`.
    """
    echo(dump(load(recipe, overrides).resolved()), nl=False)
