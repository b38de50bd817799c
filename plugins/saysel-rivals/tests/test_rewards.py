"""What each reward pays, and where its expectation is largest."""

from __future__ import annotations

from math import log

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.interfaces import RewardFn
from saysel.testing import check_reward
from saysel_rivals.asymmetric import AsymmetricReward
from saysel_rivals.ppo_c import PpoCReward
from saysel_rivals.rewarding_doubt import LogReward
from saysel_rivals.rlcr import RlcrReward

GRID = np.linspace(0, 1, 1001)
chances = st.floats(0.01, 0.99)


def expected(reward: RewardFn, p: float) -> npt.NDArray[np.float64]:
    """The expectation at every confidence of the grid, right with probability p."""
    right, wrong = (np.array(reward.reward([y] * len(GRID), list(GRID))) for y in (1.0, 0.0))
    return p * right + (1 - p) * wrong


def best(reward: RewardFn, p: float) -> float:
    return float(GRID[np.argmax(expected(reward, p))])


@pytest.mark.parametrize(
    "reward", [RlcrReward(), LogReward(), PpoCReward(), AsymmetricReward()], ids=repr
)
def test_contract(reward: RewardFn) -> None:
    check_reward(reward)


@pytest.mark.parametrize("reward", [RlcrReward(), LogReward(), AsymmetricReward(price=1)], ids=repr)
@given(p=chances)
def test_proper_rewards_pay_most_for_the_chance_of_being_right(reward: RewardFn, p: float) -> None:
    assert best(reward, p) == pytest.approx(p, abs=0.001)


@given(p=st.floats(0.001, 1), q=st.floats(0.001, 1))
def test_under_rlcr_being_right_more_often_pays(p: float, q: float) -> None:
    low, high = sorted((p, q))
    assert expected(RlcrReward(), low).max() <= expected(RlcrReward(), high).max() + 1e-12


def test_beyond_its_clip_the_log_reward_is_flat() -> None:
    paid = LogReward(clip=0.1).reward([1.0] * 3, [0.9, 0.95, 1.0])

    assert paid == [pytest.approx(log(0.9))] * 3
    assert LogReward().reward([0.0], [1.0]) == [pytest.approx(log(0.001))]
    assert LogReward().reward([1.0], [None]) == [-3.0]


@given(p=chances.filter(lambda p: abs(p - 0.5) > 0.01))
def test_ppo_c_pays_most_to_exaggerate(p: float) -> None:
    assert best(PpoCReward(), p) == (1.0 if p > 0.5 else 0.0)


@given(p=chances, price=st.floats(0.2, 5))
def test_a_price_on_errors_teaches_caution(p: float, price: float) -> None:
    optimum = p / (p + price * (1 - p))

    assert best(AsymmetricReward(price=price), p) == pytest.approx(optimum, abs=0.001)


@pytest.mark.parametrize(
    ("reward", "correct", "confidence", "paid"),
    [
        *((RlcrReward(), 1.0, 0.8, 0.96), (RlcrReward(), 0.0, 0.8, -0.64)),
        *((PpoCReward(), 1.0, 0.8, 1.15), (PpoCReward(), 0.0, 0.8, -1.15)),
        *((AsymmetricReward(), 0.0, 0.5, -0.5), (AsymmetricReward(), 1.0, 0.5, -0.25)),
        *((RlcrReward(), 1.0, None, -1.0), (PpoCReward(), 1.0, None, -1.5)),
    ],
)
def test_values(reward: RewardFn, correct: float, confidence: float | None, paid: float) -> None:
    assert reward.reward([correct], [confidence]) == [pytest.approx(paid)]
