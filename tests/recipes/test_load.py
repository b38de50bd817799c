"""What a recipe can be loaded from, other than a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from saysel.errors import RecipeError, UsageError
from saysel.recipes.recipe import load

SMALL = {"source": {"use": "witness", "train": 30}, "train": ["sft"]}


def test_a_mapping_is_read_like_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("{source: {use: witness, train: 30}, train: [sft]}")

    assert load({"name": "mine", **SMALL}) == load(str(tmp_path / "mine.yaml"))
    assert load(tmp_path / "mine.yaml") == load(str(tmp_path / "mine.yaml"))


def test_a_mapping_extends_a_recipe_and_stays_as_it_was() -> None:
    content = {"name": "mine", "extends": "quickstart", "source": {"witnesses": 3}}

    recipe = load(content)

    assert recipe.resolved()["source"]["witnesses"] == 3
    assert recipe.train == load("quickstart").train
    assert content["source"] == {"witnesses": 3} and content["extends"] == "quickstart"


def test_a_recipe_is_its_own_recipe() -> None:
    recipe = load("quickstart")

    assert load(recipe) is recipe
    changed = load(recipe, {"seed": 5, "train.1.reward": "linear"})
    assert (changed.seed, changed.resolved()["train"][1]["reward"]["use"]) == (5, "linear")
    assert changed == load("quickstart", ["seed=5", "train.1.reward=linear"])


def test_problems_of_a_mapping_are_reported_together() -> None:
    with pytest.raises(RecipeError) as caught:
        load({"name": "mine", "source": "witness", "seed": -1}, {"sede": 1})

    assert str(caught.value).splitlines() == [
        "mine: 2 problems",
        "  --set sede: a recipe has no key 'sede'; did you mean 'seed'?",
        "  seed: must be greater than or equal to 0 (got -1)",
    ]


def test_a_mapping_without_a_name_says_so() -> None:
    with pytest.raises(RecipeError, match="name: "):
        load(SMALL)
    with pytest.raises(UsageError, match="mine: extends quickstartt: no such file"):
        load({"name": "mine", "extends": "quickstartt"})


@pytest.mark.parametrize("name", ["clusterers", "pararel", "smollm2"])
def test_recipes_with_the_facts_of_pararel_resample_relations(name: str) -> None:
    recipe = load(name, {"source.path": "pararel_data.json"})

    assert (recipe.source.use, recipe.evaluate.cluster) == ("pararel", "relation")
