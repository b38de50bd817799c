from __future__ import annotations

import pytest

from saysel.plan.plan import plan
from saysel.recipes.digests import digest, digests_computed_once
from saysel.recipes.questions import questions
from saysel.recipes.recipe import Recipe
from saysel.sources.witness import WitnessSource

computed: list[str] = []
content = {"digest": "1"}


class CountingSource(WitnessSource):
    """Counts how often its digest is computed."""

    def digest(self) -> str:
        computed.append(self.use)
        return content["digest"]


@pytest.fixture
def recipe() -> Recipe:
    computed.clear()
    content["digest"] = "1"
    recipe = Recipe.model_validate({"name": "mine", "source": "witness", "train": ["sft", "ppo"]})
    return recipe.model_copy(update={"source": CountingSource(train=3, heldout=3)})


def test_a_digest_is_computed_once_per_plan(recipe: Recipe) -> None:
    plan(recipe)

    assert len(computed) == 1


def test_a_digest_is_computed_once_per_command(recipe: Recipe) -> None:
    with digests_computed_once():
        plan(recipe)
        plan(recipe)
        questions(recipe, "train")
        digest(recipe.source.model_copy(update={"train": 4}))

    assert len(computed) == 2  # another source has another digest


def test_the_next_command_notices_a_change(recipe: Recipe) -> None:
    before = plan(recipe).steps[0].fingerprint
    content["digest"] = "2"

    assert plan(recipe).steps[0].fingerprint != before
