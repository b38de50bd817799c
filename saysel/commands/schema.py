"""`saysel schema`: the JSON Schema of recipes."""

from __future__ import annotations

import json

from saysel.display.terminal import echo
from saysel.recipes.schema import recipe_schema


def schema() -> None:
    """Print the schema for this installation."""
    echo(json.dumps(recipe_schema(), indent=2, ensure_ascii=False))
