"""`saysel schema`: the JSON Schema of recipes."""

from __future__ import annotations

import json

from saysel.schema import recipe_schema
from saysel.terminal import echo


def schema() -> None:
    """Print the schema for this installation."""
    echo(json.dumps(recipe_schema(), indent=2, ensure_ascii=False))
