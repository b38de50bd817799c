from __future__ import annotations

import pytest

from saysel.errors import RecipeError
from saysel.recipes.recipe import load


def test_old_names_are_refused_with_the_new_ones() -> None:
    ppo = {"use": "ppo", "explore": 0.7, "kl_movable": 0, "confidences": "summed"}
    recipe = {
        "name": "old",
        "source": "witness",
        "train": [ppo],
        "evaluate": {"estimators": [{"use": "scaled", "estimator": "verbalized"}]},
    }

    with pytest.raises(RecipeError) as caught:
        load(recipe)

    assert set(caught.value.problems) == {
        "train[0].explore: is now called 'confidence_temperature'",
        "train[0].kl_movable: is now called 'kl_trained'",
        "train[0].confidences: the value 'summed' is now called 'expected'",
        "evaluate.estimators[0]: the estimator 'scaled' is now called 'recalibrated' "
        "(got {'use': 'scaled', 'estimator': 'verbalized'})",
    }
