from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.recipes.matrix import Axis, axes, combinations


def only(matrix: dict[str, Any]) -> Axis:
    (axis,) = axes(matrix)
    return axis


def labels(*values: Any) -> list[str]:
    return [choice.label for choice in only({"a.b": values}).choices]


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["train[1].reward", "seed"], ["reward", "seed"]),
        (["train.1.reward"], ["reward"]),
        (["evaluate.temperature", "sample.temperature"], None),
        (["seed, source.seed", "source.train"], ["seed", "train"]),
        (["source.seed", "seed"], ["source.seed", "seed"]),
        (["train", "source.train"], ["train", "source.train"]),
        (["train[0]", "train[1]"], None),
        (["train[0].lr", "train[1].lr"], None),
        (["rationale.use"], ["rationale"]),
    ],
)
def test_axes_have_the_shortest_names_that_differ(paths: list[str], names: list[str] | None):
    found = [axis.name for axis in axes({path: [1, 2] for path in paths})]
    assert found == (paths if names is None else names)


def test_the_name_of_settings_is_their_key():
    matrix = {"reward": {"a": {"seed": 1}}, "train.1.reward": ["linear"]}
    assert [axis.name for axis in axes(matrix)] == ["reward", "train[1].reward"]


def test_values_are_named_by_what_differs():
    assert labels({"use": "ppo", "steps": 3}, {"use": "ppo", "steps": 5}) == [
        "ppo steps=3",
        "ppo steps=5",
    ]
    assert labels({"use": "ppo", "steps": 3}, {"use": "sft", "steps": 3}) == ["ppo", "sft"]
    assert labels(["sft", {"use": "ppo", "x": 1}], ["sft", {"use": "ppo", "x": 2}]) == [
        "ppo x=1",
        "ppo x=2",
    ]
    assert labels([], ["sft"], ["sft", "ppo"]) == ["none", "sft", "sft+ppo"]
    assert labels("/models/a/one", "/models/a/two") == ["one", "two"]
    assert labels("Qwen/small", "Llama/small") == ["Qwen/small", "Llama/small"]
    assert labels(None, True, False, 0.5) == ["none", "true", "false", "0.5"]
    assert labels({"use": "a", "x": 1}) == ["a x=1"]


def test_an_option_that_one_value_lacks_is_kept():
    assert labels({"use": "a"}, {"use": "a", "x": 1}) == ["a", "a x=1"]


@pytest.mark.parametrize(
    ("matrix", "seed", "numeric"),
    [
        ({"seed": [0, 1]}, True, True),
        ({"seed, source.seed": [0, 1]}, True, True),
        ({"run": {"a": {"seed": 0, "source.seed": 1}, "b": {"seed": 1}}}, True, False),
        ({"seed, source.train": [10, 20]}, False, True),
        ({"sample.n": [5]}, False, False),
        ({"sample.n": [5, 10]}, False, True),
        ({"size": {"64": {"a": 1, "b": 2}, "128": {"a": 2, "b": 4}}}, False, True),
        ({"size": {"s": {"a": 64}, "l": {"a": 128}}}, False, True),
        ({"a": [True, False]}, False, False),
        ({"a": ["x", 1]}, False, False),
    ],
)
def test_what_kind_of_axis_it_is(matrix: dict[str, Any], seed: bool, numeric: bool):
    axis = only(matrix)
    assert (axis.is_seed, axis.is_numeric) == (seed, numeric)


@given(
    st.dictionaries(
        st.sampled_from(["seed", "source.seed", "train.0.seed", "train[1].n", "n", "sample.n"]),
        st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
        max_size=5,
    )
)
def test_every_combination_has_a_distinct_label(matrix: dict[str, Any]):
    made = list(combinations(matrix))
    assert len({one.label for one in made}) == len(made)
    assert all(set(one.assignments) == set(matrix) for one in made)
