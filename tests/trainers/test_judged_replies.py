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
from saysel.records import ReplyCounts
from saysel.rewards.quadratic import QuadraticReward
from saysel.testing import question
from saysel.trainers.judged_replies import (
    COUNTED,
    JudgedReplies,
    UnreadableBatches,
    judge_replies,
)


def judged(
    texts: Sequence[str],
    cut: Sequence[bool] | None = None,
    reward: RewardFn | None = None,
) -> JudgedReplies:
    """Replies to the question of the capital of France."""
    return judge_replies(
        trainer="ppo",
        questions=[question()] * len(texts),
        texts=texts,
        cut=cut or [False] * len(texts),
        format=SaySelfFormat(),
        judge=MatchJudge(),
        reward=reward or QuadraticReward(),
    )


def test_replies_are_parsed_judged_and_rewarded() -> None:
    texts = ["Answer: Paris Confidence: 8", "Answer: Rome Confidence: 6", "Confidence: 9", "…"]

    found = judged(texts)

    assert (found.rows, found.correct) == ([0, 1, 2, 3], [1, 0, 0, 0])
    assert found.has_answer == [True, True, False, False]
    # A confidence without an answer refers to nothing.
    assert found.confidences == [0.8, 0.6, None, None]
    assert found.rewards == pytest.approx([0.92, 0.28, -1, -1])
    assert found.counts == ReplyCounts(4, no_answer=2, no_confidence=1)


def test_a_number_that_was_cut_is_not_parsed() -> None:
    texts = ["Answer: Paris Confidence: 1"] * 2

    found = judged(texts, cut=[True, False])

    assert found.confidences == [None, 0.1]


def test_missing_confidences_are_left_out_of_the_mean() -> None:
    figures = JudgedReplies(
        [0, 1, 2, 3], ["…"] * 4, [1, 0, 0, 1], [True] * 4, [0.8, 0.6, None, None], [1, 0.5, -1, -1]
    ).figures()

    assert figures == {
        "reward": -0.125,
        "accuracy": 0.5,
        "confidence": pytest.approx(0.7),
        "parse_rate": 0.5,
        **dict.fromkeys(COUNTED, 0),
    }


def test_declined_replies_are_readable_and_judged_without_the_judge() -> None:
    found = judge_replies(
        trainer="grpo",
        questions=[question(), question(answers=("unanswerable",)), question()],
        texts=["Answer: I don't know", "Answer: I don't know Confidence: 3", "Paris"],
        cut=[False] * 3,
        format=SaySelfFormat(decline="I don't know"),
        judge=MatchJudge(),
        reward=QuadraticReward(),
    )

    assert found.correct == [0, 1, 0] and found.confidences == [None] * 3
    assert [reply.declined for reply in found.replies] == [True, True, False]
    assert found.counts == ReplyCounts(3, no_answer=1, no_confidence=1, declined=2)
    assert found.figures()["parse_rate"] == pytest.approx(2 / 3)


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
        (
            [0.5, math.nan],
            r"returned nan instead of a finite number, .* confidence None.*'no idea'",
        ),
        (
            [math.inf, 0.5],
            r"returned inf instead of a finite number, .* confidence 0.8.*'Answer: Paris",
        ),
        ([0.5, -math.inf], r"returned -inf instead of a finite number, for correctness 0"),
        ([0.5], r"returned 1 rewards for 2 replies"),
        ([0.5] * 3, r"returned 3 rewards for 2 replies"),
        ([], r"returned 0 rewards for 2 replies"),
        (np.zeros(3), r"returned 3 rewards for 2 replies"),
        (None, r"returned NoneType instead of a list of 2 numbers"),
        (0.5, r"returned float instead of a list"),
        ("ab", r"returned str instead of a list"),
        ({"a": 1, "b": 2}, r"returned dict instead of a list"),
        ([0.5, None], r"returned None instead of a finite number, for correctness 0"),
        (["1", 0.5], r"returned '1' instead of a finite number, for correctness 1"),
        (
            [torch.ones(1), 0.5],
            r"returned tensor\(\[1.\]\) instead of a finite number, for correctness 1",
        ),
        (np.array([1.0, math.nan]), r"returned nan instead of a finite number, for correctness 0"),
    ],
)
def test_a_reward_that_breaks_its_contract_is_named(value: Any, message: str) -> None:
    texts = ["Answer: Paris Confidence: 8", "no idea"]

    with pytest.raises(StageError, match=rf"^ppo: the reward 'mine' {message}"):
        judged(texts, reward=Returns(value=value))


@pytest.mark.parametrize(
    "value", [(1, 0.5), [1.0, 0.5], np.array([1, 0.5], "float32"), torch.tensor([1, 0.5])]
)
def test_rewards_may_be_any_numbers_in_a_row(value: Any) -> None:
    found = judged(["Answer: Paris", ""], reward=Returns(value=value))

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
