from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from saysel import registry
from saysel.interfaces import KINDS
from saysel.recipes.extends import packaged
from saysel.recipes.recipe import Recipe
from saysel.recipes.schema import recipe_schema
from saysel.recipes.text import parse_yaml, read_yaml
from saysel.registry import builtins
from tests.support import small_plugin


@pytest.fixture(scope="module")
def schema() -> Iterator[dict[str, Any]]:
    registry.current.cache_clear()
    registry.current().add(small_plugin, "small", "1.0")
    yield recipe_schema()
    registry.current.cache_clear()


def accepts(schema: dict[str, Any], text: str) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(parse_yaml(text))


def test_it_is_a_schema_in_json(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert set(schema["properties"]) == {*Recipe.model_fields, "extends"}


def test_every_kind_and_every_installed_component_is_in_it(schema: dict[str, Any]) -> None:
    for kind in KINDS:
        assert kind in schema["$defs"]
        assert set(schema["$defs"][kind]["anyOf"][0]["enum"]) <= set(registry.names(kind))
    rewards = sorted({*builtins.saysel_rewards(), "small"})
    assert schema["$defs"]["reward"]["anyOf"][0]["enum"] == rewards
    options = schema["$defs"]["sampler.small"]["properties"]
    assert options["use"]["const"] == "small"
    assert options["batch_size"]["maximum"] == 64
    assert options["batch_size"]["description"] == "prompts at a time"


@pytest.mark.parametrize(
    "text",
    [
        "source: small",
        "{source: {use: small, train: 3}, seed: 3, name: x}",
        "extends: quickstart",
        "{source: small, train: [small, {use: small, reward: {use: small, members: [linear]}}]}",
        "{source: small, train: [{use: small, critic: null}]}",
        "{source: small, evaluate: {estimators: [small], metrics: [ece]}}",
        "{source: small, matrix: {seed: [0, 1]}}",
    ],
)
def test_good_recipes_pass(schema: dict[str, Any], text: str) -> None:
    assert accepts(schema, text)


@pytest.mark.parametrize(
    "text",
    [
        "seed: 3",
        "source: nowhere",
        "{source: {use: small, train: 0}}",
        "{source: {use: small, trian: 3}}",
        "{source: {train: 3}}",
        "{source: small, sed: 1}",
        "{source: small, train: small}",
        "{source: small, train: [{use: small, reward: match}]}",
        "{source: small, evaluate: {metrics: []}}",
        "{source: small, train: [{use: small, reward: {use: small, members: [{use: linera}]}}]}",
    ],
)
def test_bad_recipes_do_not(schema: dict[str, Any], text: str) -> None:
    assert not accepts(schema, text)


def test_every_packaged_recipe_passes(schema: dict[str, Any]) -> None:
    for name in packaged():
        jsonschema.validate(read_yaml(registry.recipe(name)), schema)
