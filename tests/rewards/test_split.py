from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from saysel import testing
from saysel.interfaces import JudgedReply, SegmentRewards
from saysel.registry import build
from saysel.rewards.faithful import FaithfulReward
from saysel.rewards.split import SplitReward
from saysel.testing import question

REPLIES = [
    JudgedReply(question(), "", "Paris", "or Rome", 0.8, 1.0, samples=("Paris", "Rome")),
    JudgedReply(question(), "", "Rome", None, 0.5, 0.0, samples=("Paris", "Rome")),
    JudgedReply(question(), "", None, None, None, 0.0),
]


@pytest.mark.parametrize("options", [{}, {"rationale": "faithful"}, {"confidence": "linear"}])
def test_contract(options: dict[str, Any]) -> None:
    testing.check_reward(SplitReward(**options))


def test_every_part_has_its_own_reward() -> None:
    # 1 - 2 * 0.2², 1 - 2 * 0.5², and -1 without a confidence.
    assert SplitReward(answer=0.5).rewards(REPLIES) == [
        SegmentRewards(0.5, 0.0, pytest.approx(0.92)),
        SegmentRewards(0.0, 0.0, pytest.approx(0.5)),
        SegmentRewards(0.0, 0.0, -1.0),
    ]


def test_the_rationale_is_rewarded_by_another_reward() -> None:
    reward = SplitReward(rationale=FaithfulReward(samples=2), confidence="linear")

    # The first names all there is, the second misses Paris, which half of the samples give.
    assert [parts.rationale for parts in reward.rewards(REPLIES)] == [1.0, 0.5, 0.0]
    assert [parts.confidence for parts in reward.rewards(REPLIES)] == [0.8, -0.5, -1.0]
    assert reward.fresh_samples() == 2
    assert SplitReward().fresh_samples() == 0


def test_the_rewards_of_all_confidences() -> None:
    found = SplitReward(confidence="linear").confidence_rewards(REPLIES, [0.0, 1.0, None])

    assert found == [[0.0, 1.0, -1.0], [0.0, -1.0, -1.0], [0.0, -1.0, -1.0]]


def test_it_is_built_from_a_recipe() -> None:
    reward = build("reward", {"use": "split", "rationale": {"use": "faithful", "price": 0.1}})

    assert isinstance(reward, SplitReward) and isinstance(reward.rationale, FaithfulReward)
    with pytest.raises(ValidationError, match="'quadratic' does not see the rationale"):
        SplitReward(rationale="quadratic")
