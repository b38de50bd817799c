from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from saysel.errors import StageError
from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import RewardFn
from saysel.judges.match import MatchJudge
from saysel.rewards.quadratic import QuadraticReward
from saysel.testing import question
from saysel.trainers.judged_replies import Earned, UnreadableBatches, earned


def test_replies_are_read_judged_and_rewarded() -> None:
    texts = ["Answer: Paris Confidence: 8", "Answer: Rome Confidence: 6", "Confidence: 9", "…"]

    found = earned(
        "ppo",
        [question()] * 4,
        texts,
        [False] * 4,
        SaySelfFormat(),
        MatchJudge(),
        QuadraticReward(),
    )

    assert (found.rows, found.correct) == ([0, 1, 2, 3], [1, 0, 0, 0])
    assert found.answered == [True, True, False, False]
    assert found.stated == [
        0.8,
        0.6,
        None,
        None,
    ]  # without an answer there is nothing to be sure of
    assert found.rewards == pytest.approx([0.92, 0.28, -1, -1])


def test_a_number_that_the_limit_cut_is_not_read() -> None:
    texts = ["Answer: Paris Confidence: 1"] * 2

    found = earned(
        *("ppo", [question()] * 2, texts, [True, False]),
        *(SaySelfFormat(), MatchJudge(), QuadraticReward()),
    )

    assert found.stated == [None, 0.1]


def test_what_is_not_stated_is_no_doubt() -> None:
    figures = Earned(
        [0, 1, 2, 3], ["…"] * 4, [1, 0, 0, 1], [True] * 4, [0.8, 0.6, None, None], [1, 0.5, -1, -1]
    ).figures()

    assert figures == {
        "reward": -0.125,
        "accuracy": 0.5,
        "confidence": pytest.approx(0.7),
        "parse_rate": 0.5,
    }


class Returns(RewardFn):
    """A reward that returns whatever it is given."""

    use: str = "mine"
    value: Any

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        returned: list[float] = self.value
        return returned


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([0.5, math.nan], r"returned nan for correctness 0 and confidence None.*'no idea'"),
        ([math.inf, 0.5], r"returned inf for correctness 1 and confidence 0.8.*'Answer: Paris"),
        ([0.5, -math.inf], r"returned -inf for correctness 0"),
        ([0.5], r"returned 1 rewards for 2 replies"),
        ([0.5] * 3, r"returned 3 rewards for 2 replies"),
        ([], r"returned 0 rewards for 2 replies"),
        (np.zeros(3), r"returned 3 rewards for 2 replies"),
        (None, r"returned NoneType where a list of 2 numbers was expected"),
        (0.5, r"returned float where a list"),
        ("ab", r"returned str where a list"),
        ({"a": 1, "b": 2}, r"returned dict where a list"),
        ([0.5, None], r"returned None for correctness 0"),
        (["1", 0.5], r"returned '1' for correctness 1"),
        ([torch.ones(1), 0.5], r"returned tensor\(\[1.\]\) for correctness 1"),
        (np.array([1.0, math.nan]), r"returned nan for correctness 0"),
    ],
)
def test_a_reward_that_breaks_its_contract_is_named(value: Any, message: str) -> None:
    texts = ["Answer: Paris Confidence: 8", "no idea"]

    with pytest.raises(StageError, match=rf"^ppo: the reward 'mine' {message}"):
        earned(
            *("ppo", [question()] * 2, texts, [False] * 2),
            *(SaySelfFormat(), MatchJudge(), Returns(value=value)),
        )


@pytest.mark.parametrize(
    "value", [(1, 0.5), [1.0, 0.5], np.array([1, 0.5], "float32"), torch.tensor([1, 0.5])]
)
def test_rewards_may_be_any_numbers_in_a_row(value: Any) -> None:
    found = earned(
        *("ppo", [question()] * 2, ["Answer: Paris", ""], [False] * 2),
        *(SaySelfFormat(), MatchJudge(), Returns(value=value)),
    )

    assert found.rewards == [1, 0.5]
    assert all(type(reward) is float for reward in found.rewards)


@given(st.lists(st.booleans(), max_size=30))
def test_five_unreadable_batches_in_a_row_are_too_many(readable: list[bool]) -> None:
    batches = UnreadableBatches("ppo")
    stopped = None
    try:
        for number, some in enumerate(readable):  # noqa: B007
            batches.check(0.1 * some, ["\x1b[31m" + "first" * 100, "second\n", "third"])
    except StageError as error:
        stopped = number
        assert r"'\x1b[31mfirstfirst" in str(error) and r"'second\n'" in str(error)
        assert "third" not in str(error) and len(str(error)) < 600

    ends = [n for n in range(4, len(readable)) if not any(readable[n - 4 : n + 1])]
    assert stopped == (ends[0] if ends else None)
