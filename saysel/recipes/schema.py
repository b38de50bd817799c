"""JSON Schema of the recipe, for the components installed in this environment.

Editors complete and check recipes with it. A key for a component takes a name, or an object with
`use` and the options of that component; both contain only what is installed.
"""

from __future__ import annotations

import copy
from contextlib import suppress
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


#: Marks a reference to the definition of a kind, which pydantic's generator does not know.
KIND_REFERENCE = "x-saysel-kind"


class _RecipeJsonSchema(GenerateJsonSchema):
    """Pydantic's generator, extended to fields that are typed with a kind."""

    def function_plain_schema(
        self, schema: core_schema.PlainValidatorFunctionSchema
    ) -> JsonSchemaValue:
        kind = schema.get("metadata", {}).get("kind")
        return super().function_plain_schema(schema) if kind is None else {KIND_REFERENCE: kind}


def recipe_schema() -> dict[str, Any]:
    """The schema, without components that cannot be used, such as those of a broken plugin."""
    installed = _installed()
    classes = {component for by_name in installed.values() for component in by_name.values()}
    definitions: dict[str, Any] = {}
    schemas: dict[type[BaseModel], dict[str, Any]] = {}
    models: list[type[BaseModel]] = [Recipe, *sorted(classes, key=_full_name)]
    for model in models:
        schemas[model] = _schema_of(model)
        # Parts of two components may share a name, so each gets a unique name.
        for part, content in schemas[model].pop("$defs", {}).items():
            definitions[f"{_full_name(model)}.{part}"] = content
    for kind, by_name in installed.items():
        for name, component in by_name.items():
            definitions[f"{kind}.{name}"] = _with_use(schemas[component], kind, name)
        references = [{"$ref": f"#/$defs/{kind}.{name}"} for name in by_name]
        definitions[kind] = {"anyOf": [{"enum": sorted(by_name)}, *references]}
    return _finish(schemas[Recipe], definitions)


def _installed() -> dict[str, dict[str, type[Component]]]:
    """The usable components by kind and name."""
    installed: dict[str, dict[str, type[Component]]] = {}
    for kind in KINDS:
        installed[kind] = {}
        for name in names(kind):
            with suppress(PluginError):
                installed[kind][name] = find(kind, name)
    return installed


def _with_use(schema: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    """The schema of a component under one of its names."""
    schema = copy.deepcopy(schema)
    schema["properties"]["use"] = {"const": name, "description": f"the {kind} '{name}'"}
    # Other options may come from `extends` or from `--set`.
    schema["required"] = ["use"]
    return schema


def _finish(recipe: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Add what is valid in a file but not in a validated recipe: `extends`, and missing keys."""
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
    """Replace references to kinds, and to parts of a class, by their names in the whole schema."""
    if isinstance(node, list):
        return [_resolve(item, owner) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: _resolve(value, owner) for key, value in node.items()}
    if KIND_REFERENCE in result:
        result["$ref"] = f"#/$defs/{result.pop(KIND_REFERENCE)}"
    elif isinstance(result.get("$ref"), str):
        result["$ref"] = result["$ref"].replace("#/$defs/", f"#/$defs/{owner}.", 1)
    return result
