from __future__ import annotations

import numpy as np
import pytest

from saysel.rewards.linear import LinearReward


@pytest.mark.parametrize(
    ("correct", "confidence", "reward"),
    [
        *((1.0, 1.0, 1.0), (1.0, 0.3, 0.3), (0.0, 0.0, 0.0), (0.0, 0.3, -0.3)),
        *((0.0, 1.0, -1.0), (0.5, 0.8, 0.0), (1.0, None, -1.0), (0.0, None, -1.0)),
    ],
)
def test_values(correct: float, confidence: float | None, reward: float) -> None:
    assert LinearReward().reward([correct], [confidence]) == [pytest.approx(reward)]


def test_it_pays_most_to_exaggerate() -> None:
    grid = [tenths / 10 for tenths in range(11)]
    right, wrong = (np.array(LinearReward().reward([y] * 11, grid)) for y in (1.0, 0.0))

    assert [int(np.argmax(p * right + (1 - p) * wrong)) for p in (0.2, 0.4, 0.6, 0.9)] == [
        0,
        0,
        10,
        10,
    ]
