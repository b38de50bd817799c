from __future__ import annotations

import pytest

from saysel.errors import RecipeError
from saysel.recipes.recipe import load


@pytest.mark.parametrize("trainer", ["ppo", "grpo"])
def test_a_reward_of_rationales_needs_more_than_the_confidence_trained(trainer: str) -> None:
    phase = {"use": trainer, "reward": "faithful"}
    content = {"name": "mine", "source": "witness"}

    with pytest.raises(RecipeError, match=r"'faithful' does not depend on the confidence"):
        load({**content, "train": [phase]})
    load({**content, "train": [{**phase, "mask": "response"}]})
    load({**content, "train": [{**phase, "reward": {"use": "split", "rationale": "faithful"}}]})
