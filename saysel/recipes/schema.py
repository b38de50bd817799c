"""JSON Schema of the recipe, for the components installed here.

Editors complete and check recipes with it. A place for a component takes a name or an object
with `use` and the options of that component; both lists hold what is installed, no more.
"""

from __future__ import annotations

import copy
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from saysel import __version__
from saysel.errors import PluginError
from saysel.interfaces import KINDS, Component
from saysel.recipes.recipe import Recipe
from saysel.registry import find, names

DIALECT = "https://json-schema.org/draft/2020-12/schema"


#: Stands for a reference to a kind's definition while pydantic, which does not know it, is at work.
PLACE_OF = "x-saysel-kind"


class _RecipeJsonSchema(GenerateJsonSchema):
    """Pydantic's generator, which also knows fields typed with a kind."""

    def function_plain_schema(
        self, schema: core_schema.PlainValidatorFunctionSchema
    ) -> JsonSchemaValue:
        kind = schema.get("metadata", {}).get("kind")
        return super().function_plain_schema(schema) if kind is None else {PLACE_OF: kind}


def recipe_schema() -> dict[str, Any]:
    """The schema. Components that cannot be used (a broken plugin's) are not in it."""
    found: dict[str, dict[str, type[Component]]] = {}
    for kind in KINDS:
        found[kind] = {}
        for name in names(kind):
            try:
                found[kind][name] = find(kind, name)
            except PluginError:
                continue
    classes = {component for named in found.values() for component in named.values()}
    in_order = sorted(classes, key=_full_name)
    definitions: dict[str, Any] = {}
    schemas: dict[type[BaseModel], dict[str, Any]] = {}
    models: list[type[BaseModel]] = [Recipe, *in_order]
    for model in models:
        schema = _schema_of(model)
        # Parts of two components may share a name, so each keeps its own.
        for part, content in schema.pop("$defs", {}).items():
            definitions[f"{_full_name(model)}.{part}"] = content
        schemas[model] = schema
    for kind, named in found.items():
        objects = []
        for name, component in named.items():
            schema = copy.deepcopy(schemas[component])
            schema["properties"]["use"] = {"const": name, "description": f"the {kind} '{name}'"}
            # Other options may come from `extends` or from `--set`.
            schema["required"] = ["use"]
            definitions[f"{kind}.{name}"] = schema
            objects.append({"$ref": f"#/$defs/{kind}.{name}"})
        definitions[kind] = {"anyOf": [{"enum": sorted(named)}, *objects]}
    return _finish(schemas[Recipe], definitions)


def _finish(recipe: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """What holds for the file but not for the validated recipe: `extends`, and keys left out."""
    recipe["properties"]["extends"] = {
        "type": "string",
        "description": "name or path of the recipe that this one builds on",
    }
    del recipe["required"]
    recipe["anyOf"] = [{"required": ["source"]}, {"required": ["extends"]}]
    return {
        "$schema": DIALECT,
        **recipe,
        "title": f"saysel {__version__} recipe",
        "$defs": dict(sorted(definitions.items())),
    }


def _schema_of(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema(schema_generator=_RecipeJsonSchema)
    resolved: dict[str, Any] = _resolve(schema, _full_name(model))
    return resolved


def _full_name(model: type[BaseModel]) -> str:
    return f"{model.__module__}.{model.__qualname__}"


def _resolve(node: Any, owner: str) -> Any:
    """References to kinds, and to the parts of a class, by their names in the whole schema."""
    if isinstance(node, list):
        return [_resolve(item, owner) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: _resolve(value, owner) for key, value in node.items()}
    if PLACE_OF in result:
        result["$ref"] = f"#/$defs/{result.pop(PLACE_OF)}"
    elif isinstance(result.get("$ref"), str):
        result["$ref"] = result["$ref"].replace("#/$defs/", f"#/$defs/{owner}.", 1)
    return result
