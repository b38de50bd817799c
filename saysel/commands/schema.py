"""`saysel schema`: the JSON Schema of recipes."""

from __future__ import annotations

import json

import click

from saysel.schema import recipe_schema


def schema() -> None:
    """Print the schema for this installation."""
    click.echo(json.dumps(recipe_schema(), indent=2, ensure_ascii=False))
