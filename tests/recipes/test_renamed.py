"""Old names of options, values and components: each gives one line with today's name."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import saysel
from saysel import registry
from saysel.errors import PluginError, RecipeError
from saysel.recipes.recipe import load

PLUGIN = '''
from typing import ClassVar, Literal
import saysel
from saysel.interfaces import Options, RewardFn

class Bounds(Options):
    """A group of options inside another."""
    low: float = 0.0
    renamed: ClassVar[dict[str, str]] = {"minimum": "low"}

class BoundedReward(RewardFn):
    """A reward with options that were renamed."""
    height: float
    shape: Literal["step", "ramp"] = "step"
    bounds: Bounds = Bounds()
    base: RewardFn | None = None
    renamed: ClassVar[dict[str, str]] = {"max": "height", "shape: slope": "ramp"}

    def reward(self, correct, confidence):
        return [self.height] * len(correct)

class NarrowReward(BoundedReward):
    """A reward that inherits renamed options and renames another."""
    width: float = 1.0
    renamed: ClassVar[dict[str, str]] = {"breadth": "width"}

@saysel.hookimpl
def saysel_rewards():
    return {"bounded": "renaming:BoundedReward", "narrow": "renaming:NarrowReward"}

@saysel.hookimpl
def saysel_renamed():
    return {"reward": {"limited": "bounded"}}
'''
BASE = """
model: small
source: {use: small, train: 50}
sample: {use: small, n: 5}
evaluate: {estimators: [small]}
"""

pytestmark = pytest.mark.usefixtures("small_parts", "renaming")


@pytest.fixture
def renaming(small_parts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "renaming.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    registry.current().add(importlib.import_module("renaming"), "renaming", "1.0")
    yield
    sys.modules.pop("renaming", None)


def problems_of(folder: Path, text: str, *overrides: str) -> tuple[str, ...]:
    (folder / "mine.yaml").write_text(BASE + text)
    with pytest.raises(RecipeError) as caught:
        load(str(folder / "mine.yaml"), overrides)
    return caught.value.problems


def trained(reward: str) -> str:
    return f"train: [{{use: small, reward: {reward}}}]\n"


def test_every_old_name_in_a_recipe_is_one_line_among_all_other_problems(tmp_path: Path) -> None:
    reward = "{use: bounded, max: 1, shape: slope, bounds: {minimum: 0}, base: {use: limited}}"
    assert problems_of(tmp_path, "seed: -1\n" + trained(reward)) == (
        "seed: must be greater than or equal to 0 (got -1)",
        "train[0].reward.shape: the value 'slope' is now called 'ramp'",
        "train[0].reward.bounds.minimum: is now called 'low'",
        "train[0].reward.base: the reward 'limited' is now called 'bounded' "
        "(got {'use': 'limited'})",
        "train[0].reward.max: is now called 'height'",
    )


def test_what_a_base_class_renamed_is_renamed_in_its_subclasses(tmp_path: Path) -> None:
    assert problems_of(tmp_path, trained("{use: narrow, max: 1, breadth: 2}")) == (
        "train[0].reward.max: is now called 'height'",
        "train[0].reward.breadth: is now called 'width'",
    )


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("train.0.reward.max=2", "train[0].reward.max is now called 'height'"),
        ("train.0.reward.bounds.minimum=2", "train[0].reward.bounds.minimum is now called 'low'"),
        (
            "train.0.reward=limited",
            "train[0].reward: the reward 'limited' is now called 'bounded' (got 'limited')",
        ),
        ("train.0.reward.shape=slope", "shape: the value 'slope' is now called 'ramp'"),
        ("matrix={train.0.reward.max: [1, 2]}", "train[0].reward.max is now called 'height'"),
    ],
)
def test_old_names_in_overrides_and_matrices(tmp_path: Path, override: str, problem: str) -> None:
    text = trained("{use: bounded, height: 1}")
    assert any(problem in line for line in problems_of(tmp_path, text, override))


def test_old_names_in_the_recipe_that_is_extended(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE + trained("{use: bounded, max: 1}"))
    (tmp_path / "over.yaml").write_text("extends: base.yaml\nseed: 3\n")
    with pytest.raises(RecipeError) as caught:
        load(str(tmp_path / "over.yaml"))
    assert caught.value.problems == ("train[0].reward.max: is now called 'height'",)


def test_a_plugin_whose_old_names_are_no_mapping_by_kind_is_refused() -> None:
    def saysel_renamed() -> dict[str, str]:
        return {"limited": "bounded"}

    plugin = SimpleNamespace(saysel_renamed=saysel.hookimpl(saysel_renamed))
    with pytest.raises(PluginError, match="saysel_renamed must return a mapping of kinds"):
        registry.current().add(plugin, "renaming", "2.0")
