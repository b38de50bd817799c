from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import pytest
import torch

from saysel.errors import StageError
from saysel.hf.generation import Reply
from saysel.interfaces import Judge
from saysel.judges.match import MatchJudge
from saysel.records import ModelRef, Question
from saysel.testing import Data, question
from saysel.trainers.ppo.policy import Policy
from saysel.trainers.ppo.rollouts import Rollouts, assemble, roll_out
from saysel.trainers.ppo.segments import subtract_baseline
from saysel.trainers.ppo.trainer import PPOTrainer
from tests.trainers.two_arms import FORMAT, FirstColon, TwoArms

PAD, END = 0, 1
PROMPTS = [[11, 12, 13], [21]]
# The first reply completes its marker with the second token; the second was cut, unreadable.
REPLIES = [Reply([31, 32, 33, END], -1.0, marker_end=2), Reply([41, 42], -1.0, marker_end=2)]


def assembled(
    mask: Literal["confidence", "response"] = "confidence",
    readable: Sequence[bool] = (True, False),
) -> Rollouts:
    return assemble(
        prompts=PROMPTS,
        replies=REPLIES,
        rewards=[0.5, -1.0],
        readable=readable,
        has_answer=[False, False],
        mask=mask,
        pad=PAD,
        device=torch.device("cpu"),
    )


def test_prompts_are_padded_on_the_left_and_replies_on_the_right() -> None:
    rollouts = assembled()

    assert rollouts.ids.tolist() == [
        [11, 12, 13, 31, 32, 33, END],
        [PAD, PAD, 21, 41, 42, PAD, PAD],
    ]
    assert rollouts.mask.tolist() == [[1, 1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 0, 0]]
    assert rollouts.actions.tolist() == [[31, 32, 33, END], [41, 42, PAD, PAD]]
    assert rollouts.tokens.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]


def test_a_readable_reply_is_rewarded_at_its_last_token_and_an_unreadable_one_at_all() -> None:
    rewards = assembled().rewards

    assert rewards.tolist() == [[0, 0, 0, 0.5], [-0.5, -0.5, 0, 0]]
    assert rewards.sum(-1).tolist() == [0.5, -1.0]


def test_the_confidence_mask_trains_the_tokens_after_the_marker() -> None:
    assert assembled().trained.tolist() == [[0, 0, 1, 1], [1, 1, 0, 0]]


@pytest.mark.parametrize(
    ("has_answer", "marker_end", "token_rewards"),
    [
        # Four tokens. The marker ends with the second, or is missing.
        (True, 2, [0, 0, -0.5, -0.5]),
        (True, 4, [-0.25] * 4),
        (False, 2, [-0.25] * 4),
    ],
)
def test_only_the_rest_is_trained_after_a_readable_answer_and_the_marker(
    has_answer: bool, marker_end: int, token_rewards: list[float]
) -> None:
    reply = Reply([31, 32, 33, END], 0.0, marker_end=marker_end)

    rollouts = assemble(
        prompts=PROMPTS[:1],
        replies=[reply],
        rewards=[-1.0],
        readable=[False],
        has_answer=[has_answer],
        mask="confidence",
        pad=PAD,
        device=torch.device("cpu"),
    )

    assert rollouts.rewards.tolist() == [token_rewards]
    assert rollouts.trained.tolist() == [[float(value < 0) for value in token_rewards]]


def test_the_response_mask_trains_all_tokens() -> None:
    assert assembled("response").trained.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]


def test_a_readable_reply_without_a_marker_is_not_trained() -> None:
    rollouts = assembled(readable=(True, True))

    assert rollouts.trained.tolist() == [[0, 0, 1, 1], [0, 0, 0, 0]]
    assert rollouts.rewards[1].tolist() == [0, -1.0, 0, 0]


class Undecided(Judge):
    """Cannot judge some questions, known by their id."""

    unclear: tuple[str, ...]

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        return [None if question.id in self.unclear else 1.0 for question, _ in items]


def rolled(
    model: ModelRef, questions: Sequence[Question], judge: Judge | None = None
) -> tuple[Policy, Rollouts]:
    policy = Policy(model)
    data = Data(questions, format=FORMAT, judge=judge or MatchJudge(), temperature=0)
    options = PPOTrainer(max_tokens=12, mask="response")
    rollouts = roll_out(options, policy, None, questions, data, torch.Generator().manual_seed(0))
    return policy, rollouts


def test_the_reward_of_unreadable_replies_is_minus_one(small_model: ModelRef) -> None:
    questions = [
        question(id=str(number), prompt=f"Where is {number * 'it '}?") for number in range(4)
    ]

    policy, rollouts = rolled(small_model, questions)

    means = {name: rollouts.figures[name] for name in ("reward", "accuracy", "parse_rate")}
    assert means == {"reward": -1, "accuracy": 0, "parse_rate": 0}
    assert rollouts.figures["no_confidence"] == rollouts.figures["replies"] == 4
    assert rollouts.rewards.sum(-1).tolist() == pytest.approx([-1.0] * 4)
    assert rollouts.trained.tolist() == rollouts.tokens.tolist()
    texts = policy.tokenizer.batch_decode(rollouts.ids)
    for number, text in enumerate(texts):
        assert f"Where is {number * 'it '}?" in text


def test_replies_that_cannot_be_judged_are_left_out(red: ModelRef) -> None:
    questions = TwoArms().questions("train")[:4]

    _, rollouts = rolled(red, questions, Undecided(unclear=(questions[0].id,)))

    assert len(rollouts.ids) == 3
    assert rollouts.figures["accuracy"] == 1


def test_a_batch_that_cannot_be_judged_at_all_stops_the_stage(red: ModelRef) -> None:
    questions = TwoArms().questions("train")[:4]
    judge = Undecided(unclear=tuple(question.id for question in questions))

    with pytest.raises(StageError, match="could not judge any reply"):
        rolled(red, questions, judge)


@pytest.mark.parametrize("confidences", ["sampled", "expected"])
def test_the_confidence_that_is_rewarded_is_the_one_that_is_trained(
    red: ModelRef, two_arms: Data, confidences: Literal["sampled", "expected"]
) -> None:
    """The marker before it is not the last one of the reply."""
    policy, data = Policy(red), replace(two_arms, format=FirstColon(instruction=""))
    options = PPOTrainer(max_tokens=12, confidence_temperature=0.01, confidences=confidences)
    tokens = options._confidence_tokens(policy, data.format)
    asked = data.all_questions[:4]

    rollouts = roll_out(options, policy, tokens, asked, data, torch.Generator().manual_seed(0))

    assert rollouts.readable.tolist() == [1] * 4
    for row, text in enumerate(rollouts.texts):
        parts = [rollouts.tokens - rollouts.trained, rollouts.trained, rollouts.stated]
        before, trained, stated = (
            policy.tokenizer.decode(rollouts.actions[row][part[row] > 0], skip_special_tokens=True)
            for part in parts
        )
        assert before == "Answer:"
        assert trained == stated == text.removeprefix(before)
    if rollouts.confidence_rewards is not None:
        beginnings = policy.tokenizer.batch_decode(rollouts.confidence_rewards.beginnings[0])
        assert all(text.endswith("Answer:") for text in beginnings)


def test_replies_to_one_question_are_each_others_baseline() -> None:
    # a: 1 - (0.5 + 0) / 2, 0.5 - (1 + 0) / 2, 0 - (1 + 0.5) / 2; b is alone and stays as it is.
    # The last two are unreadable.
    rewards = subtract_baseline([1.0, 0.5, -1.0, 0.0, -1.0, -2.0], ["a", "a", "b", "a", None, None])

    assert rewards == pytest.approx([0.75, 0.0, -1.0, -0.75, -1.0, -2.0])
