"""The rewards that see the whole batch, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from saysel import testing
from saysel.interfaces import BatchReward, JudgedReply, SegmentRewards
from saysel.records import Question
from saysel.trainers.grpo import GRPOTrainer
from saysel.trainers.ppo.trainer import PPOTrainer
from saysel_rivals.csr import CsrReward
from saysel_rivals.dcpo import DcpoReward
from saysel_rivals.orce import OrceReward
from saysel_rivals.truthrl import TruthRlReward


def reply(
    correct: float, confidence: float | None, group: str = "a", answer: str | None = "x"
) -> JudgedReply:
    return JudgedReply(Question(group, "?", ("x",)), "", answer, None, confidence, correct)


@pytest.mark.parametrize(
    "reward",
    [DcpoReward(), DcpoReward(gamma=1), OrceReward(), CsrReward(), TruthRlReward()],
)
def test_contract(reward: BatchReward) -> None:
    testing.check_reward(reward)


@pytest.mark.parametrize("trainer", [PPOTrainer, GRPOTrainer])
@pytest.mark.parametrize("reward", [CsrReward(), TruthRlReward()])
def test_rewards_of_answers_train_more_than_the_confidence(
    trainer: type[PPOTrainer] | type[GRPOTrainer], reward: BatchReward
) -> None:
    with pytest.raises(ValidationError, match="mask: confidence trains nothing else"):
        trainer(reward=reward)

    trainer(reward=reward, mask="response")


def test_dcpo_by_hand() -> None:
    # The accuracy of the group is 1/2, so t is 3/4 for the right reply and 1/4 for the wrong ones.
    # R = -(0.75 - 0.75)² / 2 = 0, -(0.25 - 0.75)² / 2 = -0.125; mean -0.0625, deviation 0.0625.
    replies = [reply(1, 0.75), reply(0, 0.75), reply(1, None, "b"), reply(0, 0.4, "b")]

    right, wrong, unreadable, alone = DcpoReward().rewards(replies)

    scale = 0.0625 / (0.0625 + 1e-4)
    assert right == SegmentRewards(1, 1, pytest.approx(scale))
    assert wrong == SegmentRewards(0, 0, pytest.approx(-scale))
    assert unreadable == SegmentRewards(1, 1, -1)
    assert alone == SegmentRewards(0, 0, 0)


@given(y=st.sampled_from([0.0, 1.0]), gamma=st.floats(0, 1))
def test_dcpo_pays_most_at_its_target(y: float, gamma: float) -> None:
    group = [reply(y, step / 10) for step in range(11)] + [reply(1 - y, 0.5)] * 11
    paid = [parts.confidence for parts in DcpoReward(gamma=gamma).rewards(group)[:11]]

    target = gamma * y + (1 - gamma) / 2  # the group's accuracy is 1/2
    best = max(range(11), key=paid.__getitem__) / 10
    assert abs(best - target) <= 0.05 + 1e-9


def test_orce_by_hand() -> None:
    # The first is above one of the two wrong ones and level with the other: (1 + 0) / 2. The second
    # is below both.
    replies = [reply(1, 0.6), reply(1, 0.1), reply(0, 0.6), reply(0, 0.2), reply(0, None)]

    found = [parts.confidence for parts in OrceReward().rewards(replies)]

    assert found == [0.5, -1, pytest.approx(-0.5), pytest.approx(0), -1]
    assert OrceReward().rewards([reply(1, 0.3), reply(1, 0.9)]) == [SegmentRewards()] * 2


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, 1.0]), st.none() | st.sampled_from([0.1, 0.5, 0.9])),
        max_size=6,
    )
)
def test_orces_rewards_of_all_confidences_are_those_of_changed_batches(
    batch: list[tuple[float, float | None]],
) -> None:
    replies = [reply(*one) for one in batch]
    choices = [0.1, 0.7, None]

    found = OrceReward().confidence_rewards(replies, choices)

    assert found == BatchReward.confidence_rewards(OrceReward(), replies, choices)


def test_csr_by_hand() -> None:
    # Two of the three others agree with the first; none agrees with the last of the group.
    replies = [reply(1, 0.5, "a", answer) for answer in ("x", "X ", "x")]
    replies += [reply(0, 0.5, "a", "z"), reply(0, None, "b", None), reply(0, 0.5, "c", "z")]

    found = CsrReward(weight=0.3).rewards(replies)

    assert [parts.answer for parts in found] == pytest.approx([1.2, 1.2, 1.2, 0, 0, 0])
    assert [parts.confidence for parts in found] == [0, 0, 0, 0, -1, 0]
    together = [reply(0, 0.5, "a", "z"), reply(0, 0.5, "a", "z")]
    assert [parts.answer for parts in CsrReward(weight=0.3).rewards(together)] == [-0.3, -0.3]


@pytest.mark.parametrize(
    ("judged", "paid"),
    [
        (reply(1, 0.3), SegmentRewards(answer=1)),
        (reply(0, 0.9), SegmentRewards(answer=-1)),
        (reply(0.75, 0.9), SegmentRewards(answer=0.5)),
        (reply(1, None), SegmentRewards(confidence=1)),
        (reply(0, None, answer=None), SegmentRewards(confidence=-1)),
        (replace(reply(0, None, answer=None), declined=True), SegmentRewards(confidence=0)),
        # Declining an unanswerable question is judged to be correct.
        (replace(reply(1, None, answer=None), declined=True), SegmentRewards(confidence=1)),
    ],
)
def test_truthrl_by_hand(judged: JudgedReply, paid: SegmentRewards) -> None:
    assert TruthRlReward().rewards([judged]) == [paid]
