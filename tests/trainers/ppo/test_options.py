from __future__ import annotations

import pytest
from pydantic import ValidationError

from saysel.errors import RecipeError
from saysel.recipes.recipe import load
from saysel.testing import question
from saysel.trainers.batches import question_batch
from saysel.trainers.ppo.trainer import PPOTrainer


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


def test_the_replies_to_one_question_fit_into_a_batch() -> None:
    with pytest.raises(ValidationError, match=r"batch_size must be at least replies \(4\), got 2"):
        PPOTrainer(batch_size=2, replies=4)

    assert PPOTrainer(batch_size=4, replies=4).replies == 4


@pytest.mark.parametrize(("batch_size", "replies"), [(1, 1), (2, 4), (4, 4), (7, 3), (64, 5)])
def test_a_batch_is_at_most_as_large_as_requested(batch_size: int, replies: int) -> None:
    questions = [question(id=str(number)) for number in range(5)]

    batch = question_batch(questions, batch_size, replies, step=0, seed=0)

    assert len(batch) == batch_size // replies * replies
