"""`saysel schema`: the JSON Schema of recipes."""

from __future__ import annotations

import click

from saysel.display.terminal import echo


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of recipes.

    It covers the components that are installed here.

    \b
    Example:
      saysel schema > recipe.schema.json
    """
    import json

    from saysel.recipes.schema import recipe_schema

    echo(json.dumps(recipe_schema(), indent=2, ensure_ascii=False))
