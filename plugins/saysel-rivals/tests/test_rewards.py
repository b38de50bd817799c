"""Which confidence each reward teaches: the one with the largest expected reward."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel import testing
from saysel.interfaces import RewardFn
from saysel_rivals.asymmetric import AsymmetricReward
from saysel_rivals.ppo_c import PpoCReward
from saysel_rivals.rewarding_doubt import EDGE, LogReward
from saysel_rivals.rlcr import RlcrReward

GRID = [step / 1000 for step in range(1001)]
chances = st.floats(0, 1)


def taught(reward: RewardFn, p: float) -> float:
    """The confidence with the largest expected reward, for a reply that is right with chance p.

    The batch has a right and a wrong reply at every confidence.
    """
    earned = reward.reward([1.0] * len(GRID) + [0.0] * len(GRID), GRID * 2)
    right, wrong = np.array(earned[: len(GRID)]), np.array(earned[len(GRID) :])
    return GRID[int(np.argmax(p * right + (1 - p) * wrong))]


@pytest.mark.parametrize(
    "reward",
    [
        *(RlcrReward(), RlcrReward(unreadable=-2), LogReward(), LogReward(unreadable=-7)),
        *(PpoCReward(), PpoCReward(weight=3), AsymmetricReward(), AsymmetricReward(price=0.2)),
    ],
)
def test_contract(reward: RewardFn) -> None:
    testing.check_reward(reward)


@given(p=chances)
def test_rlcr_teaches_the_chance(p: float) -> None:
    assert taught(RlcrReward(), p) == pytest.approx(p, abs=0.00051)


@given(p=chances)
def test_log_teaches_the_chance_within_its_edges(p: float) -> None:
    assert min(max(taught(LogReward(), p), EDGE), 1 - EDGE) == pytest.approx(
        min(max(p, EDGE), 1 - EDGE), abs=0.00101
    )


@given(p=chances.filter(lambda p: abs(p - 0.5) > 1e-3), weight=st.floats(0.1, 5))
def test_ppo_c_teaches_extremes(p: float, weight: float) -> None:
    assert taught(PpoCReward(weight=weight), p) == (1.0 if p > 0.5 else 0.0)


@given(p=chances, price=st.floats(0.1, 10))
def test_asymmetric_teaches_what_its_docstring_derives(p: float, price: float) -> None:
    optimum = p / (p + price * (1 - p))
    assert taught(AsymmetricReward(price=price), p) == pytest.approx(optimum, abs=0.00051)


@given(p=chances)
def test_asymmetric_at_price_one_teaches_the_chance(p: float) -> None:
    assert taught(AsymmetricReward(price=1), p) == pytest.approx(p, abs=0.00051)


@given(y=chances)
@pytest.mark.parametrize(
    "of",
    [
        lambda: RlcrReward(),
        lambda: LogReward(),
        lambda: AsymmetricReward(price=3),
    ],
)
def test_fractional_correctness_pays_most_at_itself(of: Callable[[], RewardFn], y: float) -> None:
    earned = of().reward([y] * len(GRID), GRID)
    best = GRID[int(np.argmax(earned))]
    assert min(max(best, EDGE), 1 - EDGE) == pytest.approx(min(max(y, EDGE), 1 - EDGE), abs=0.00101)


def test_values() -> None:
    assert RlcrReward().reward([1, 0, 1, 0.5, 0], [0.7, 0.7, None, 0.5, 0]) == pytest.approx(
        [0.91, -0.49, -1, 0.5, 0]
    )
    assert LogReward().reward([1, 0, 1, 0, 1], [0.5, 0.75, None, 1, 1]) == pytest.approx(
        [math.log(0.5), math.log(0.25), 2 * math.log(0.001), math.log(0.001), math.log(0.999)]
    )
    assert AsymmetricReward(price=3).reward([1, 0, 0.5, 0], [0.5, 0.5, 1, None]) == pytest.approx(
        [0.5, -0.5, -0.5, -5]
    )
    assert PpoCReward(weight=1).reward([1, 0, 1, 0], [1, 1, None, 0]) == pytest.approx(
        [1.5, -1.5, -2, -0.5]
    )


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_ppo_c_adds_nothing_where_all_replies_are_alike(y: float) -> None:
    assert PpoCReward().reward([y, y], [0.0, 1.0]) == [2 * y - 1] * 2


@pytest.mark.parametrize(
    "reward", [RlcrReward(), AsymmetricReward(price=4), PpoCReward(), LogReward()]
)
def test_no_reward_is_lower_than_that_of_an_unreadable_reply(reward: RewardFn) -> None:
    *readable, unreadable = reward.reward([1.0] * 1001 + [0.0] * 1002, [*GRID, *GRID, None])
    assert min(readable) >= unreadable
