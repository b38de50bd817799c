"""Recipes that are hostile or mistaken in their values: reported in lines, never a traceback."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from saysel.recipes.recipe import Recipe, load
from saysel.recipes.text import parse_yaml
from saysel.stages.model import ModelStage
from tests.support.end_to_end import invoke

BOMB = "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)
MERGES = "".join(
    f"m{level}: &m{level} {{<<: [{', '.join([f'*m{level - 1}'] * 9)}]}}\n" for level in range(1, 10)
)
SOURCE = "source: {use: witness, pretrain: 10, train: 10, heldout: 10}\n"


def checked(content: str | bytes, tmp_path: Path, *arguments: str) -> list[str]:
    """What `check` says about a recipe that it refuses."""
    path = tmp_path / "mine.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    began = time.thread_time()
    said = invoke("check", path, *arguments)
    assert isinstance(said.exception, SystemExit), said.exc_info
    assert said.exit_code == 2
    assert time.thread_time() - began < 10
    said.stderr.encode()
    return said.stderr.splitlines()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (f"a0: &a0 [x, y]\n{BOMB}", "more than 100,000 values"),
        (f"m0: &m0 {{x: 1}}\n{MERGES}", "more than 100,000 values"),
        ("matrix: &m {seed: [*m]}", "contains itself"),
        ("train: &t [*t]", "contains itself"),
        ("source: &s {use: *s}", "contains itself"),
        ("x: " + "[" * 200 + "]" * 200, "nested deeper than 40 levels"),
        ("x: " + "[" * 5000 + "]" * 5000, "recursion"),
        ("matrix: {seed: [" + ", ".join(map(str, range(1001))) + "]}", "makes 1,001 cells"),
        (
            "matrix: {" + ", ".join(f"a{n}: [1, 2]" for n in range(40)) + "}",
            "makes 1,099,511,627,776 cells",
        ),
        ("model: {use: null}", "model: needs 'use'"),
        ("model: {use: 3}", "model: needs 'use'"),
        ("model: {use: [scratch]}", "model: needs 'use'"),
        ('name: "a\\0b"', "name: must not contain the character NUL"),
        ('name: "a\\nb"', "name: must not contain line breaks or other control characters"),
        (f"name: {'n' * 300}", "name: must have at most 150 bytes"),
        (f"name: {'ü' * 100}", "name: must have at most 150 bytes"),
        ('name: "a\\ud800"', "name: must not contain half of a surrogate pair"),
        ('judge: {use: "\\udfff"}', "judge.use: must not contain half of a surrogate pair"),
        ('prices: "a\\0b"', "prices: must not contain the character NUL"),
        (
            "evaluate: {temperature: .inf}",
            "evaluate.temperature: must be a finite number (got inf)",
        ),
        ("sample: {use: transformers, temperature: .nan}", "sample.temperature: must be a finite"),
        ("max_cost: 1e999", "max_cost: must be a finite number"),
        ("matrix: {sample.temperature: [1, -.inf]}", "must be a finite number"),
        ("seed: 2020-01-01", "seed: must be a string, number, list or mapping, not of type date"),
        ("matrix: {seed: !!set {1, 2}}", "not of type set"),
        ("report: {title: !!binary aGVsbG8=}", "not of type bytes"),
        ("seed: " + "9" * 5000, "4300 digits"),
    ],
)
def test_a_value_that_no_recipe_takes(content: str, reason: str, tmp_path: Path) -> None:
    lines = checked(SOURCE + content if "source" not in content else content, tmp_path)

    assert any(reason in line for line in lines), lines
    assert len(lines) <= 4


@pytest.mark.parametrize(
    "override",
    ["model.use=null", "name=null", "train=[null]", "source.use=null",
     "evaluate.metrics.0.use=null", "matrix={model.use: [null]}", "matrix={'': [1]}",
     "model.use.use=scratch", "matrix.seed=[.nan]", "sample.temperature=.inf", "name='\\'",
     'name="a\\ud800"', "judge=[match]", "=1", "a.b.c=1", "train.99999999999=sft"],
)  # fmt: skip
def test_an_override_that_no_recipe_takes(override: str, tmp_path: Path) -> None:
    lines = checked(f"extends: quickstart\n{SOURCE}", tmp_path, "--set", override)

    assert len(lines) >= 1 and all(line.strip() for line in lines)


def test_numbers_from_python_are_finite_too() -> None:
    for temperature in (float("inf"), float("nan")):
        with pytest.raises(ValueError, match="finite number"):
            Recipe.model_validate(
                {"name": "x", "source": "witness", "evaluate": {"temperature": temperature}}
            )


def test_aliases_that_repeat_little_are_fine(tmp_path: Path) -> None:
    assert parse_yaml("a: &a [1, 2]\nb: [*a, *a]\nc: &c {x: 1}\nd: {<<: *c, y: 2}") == {
        "a": [1, 2], "b": [[1, 2], [1, 2]], "c": {"x": 1}, "d": {"x": 1, "y": 2},
    }  # fmt: skip


def test_a_step_of_any_name_has_a_folder() -> None:
    recipe = Recipe.model_validate({"name": "x", "source": "witness"})
    for letter in "eé":

        class Named(ModelStage):
            name = "evaluate-" + letter * 500

        step = Named(recipe=recipe)
        assert len(step.directory.encode()) <= 200
        assert step.directory.endswith(f"-{step.fingerprint}")


KEYS = [*Recipe.model_fields, "extends", "use", "train.0", "nobody"]
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["witness", "scratch", "sft", "quickstart", "verbalized", "ece", "seed"])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_any_mapping_at_all_is_a_recipe_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "mine.yaml"
    path.write_bytes(
        yaml.safe_dump({"source": "witness", **content}).encode(errors="surrogatepass")
    )

    said = invoke("show", path)

    assert said.exception is None or isinstance(said.exception, SystemExit), said.exc_info
    if said.exit_code == 0:
        path.write_text(said.stdout, encoding="utf-8")
        assert load(str(path)).resolved()
