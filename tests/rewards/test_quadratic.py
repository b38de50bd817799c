from __future__ import annotations

import numpy as np
import pytest

from saysel.rewards.quadratic import QuadraticReward


@pytest.mark.parametrize(
    ("correct", "confidence", "reward"),
    [
        *((1.0, 1.0, 1.0), (1.0, 0.0, -1.0), (0.0, 0.0, 1.0), (0.0, 1.0, -1.0)),
        *(
            (1.0, 0.7, 0.82),
            (0.0, 0.7, 0.02),
            (0.5, 0.5, 1.0),
            (1.0, None, -1.0),
            (0.0, None, -1.0),
        ),
    ],
)
def test_values(correct: float, confidence: float | None, reward: float) -> None:
    assert QuadraticReward().reward([correct], [confidence]) == [pytest.approx(reward)]


def test_it_pays_most_to_state_the_chance_of_being_right() -> None:
    grid = [tenths / 10 for tenths in range(11)]
    right, wrong = (
        np.array(QuadraticReward().reward([correct] * 11, grid)) for correct in (1.0, 0.0)
    )

    for place, chance in enumerate(grid):
        assert np.argmax(chance * right + (1 - chance) * wrong) == place


def test_replies_of_a_batch_do_not_touch_each_other() -> None:
    assert QuadraticReward().reward([1.0, 0.0], [1.0, None]) == [1.0, -1.0]
