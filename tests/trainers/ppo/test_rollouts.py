from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from saysel.errors import StageError
from saysel.hf.generation import Decoding, Reply
from saysel.interfaces import Judge
from saysel.records import ModelRef, Question
from saysel.registry import build
from saysel.testing import question
from saysel.trainers.ppo.policy import Policy
from saysel.trainers.ppo.rollouts import (
    Movable,
    Rollouts,
    assemble,
    centred,
    roll_out,
)

PAD, END = 0, 1
PROMPTS = [[11, 12, 13], [21]]
# The first reply wrote its marker with its second token; the second was cut off, unreadable.
REPLIES = [Reply([31, 32, 33, END], -1.0, marked=2), Reply([41, 42], -1.0, marked=2)]


def assembled(
    movable: Movable = "confidence", readable: Sequence[bool] = (True, False)
) -> Rollouts:
    return assemble(PROMPTS, REPLIES, [0.5, -1.0], readable, movable, PAD, torch.device("cpu"), {})


def test_prompts_are_padded_on_the_left_and_replies_on_the_right() -> None:
    rollouts = assembled()

    assert rollouts.ids.tolist() == [
        [11, 12, 13, 31, 32, 33, END],
        [PAD, PAD, 21, 41, 42, PAD, PAD],
    ]
    assert rollouts.mask.tolist() == [[1, 1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 0, 0]]
    assert rollouts.actions.tolist() == [[31, 32, 33, END], [41, 42, PAD, PAD]]
    assert rollouts.tokens.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]


def test_the_reward_comes_with_the_last_token_and_minus_one_with_all_of_them() -> None:
    rewards = assembled().rewards

    assert rewards.tolist() == [[0, 0, 0, 0.5], [-0.5, -0.5, 0, 0]]
    assert rewards.sum(-1).tolist() == [0.5, -1.0]


def test_the_confidence_mask_opens_behind_the_marker_up_to_the_end_token() -> None:
    assert assembled().movable.tolist() == [[0, 0, 1, 1], [1, 1, 0, 0]]


@pytest.mark.parametrize(
    ("answered", "marked", "paid"),
    [
        # Four tokens. The marker ends with the second, or never comes.
        (True, 2, [0, 0, -0.5, -0.5]),
        (True, 4, [-0.25] * 4),
        (False, 2, [-0.25] * 4),
    ],
)
def test_only_the_rest_is_at_fault_after_a_readable_answer_and_the_marker(
    answered: bool, marked: int, paid: list[float]
) -> None:
    reply = Reply([31, 32, 33, END], 0.0, marked=marked)

    rollouts = assemble(
        *(PROMPTS[:1], [reply], [-1.0], [False], "confidence", PAD, torch.device("cpu"), {}),
        answered=[answered],
    )

    assert rollouts.rewards.tolist() == [paid]
    assert rollouts.movable.tolist() == [[float(value < 0) for value in paid]]


def test_the_response_mask_opens_all_tokens() -> None:
    assert assembled("response").movable.tolist() == [[1, 1, 1, 1], [1, 1, 0, 0]]


def test_a_readable_reply_without_a_marker_moves_nowhere() -> None:
    rollouts = assembled(readable=(True, True))

    assert rollouts.movable.tolist() == [[0, 0, 1, 1], [0, 0, 0, 0]]
    assert rollouts.rewards[1].tolist() == [0, -1.0, 0, 0]


class Undecided(Judge):
    """Cannot judge some questions, known by their id."""

    unclear: tuple[str, ...]

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        return [None if question.id in self.unclear else 1.0 for question, _ in items]


def rolled(model: ModelRef, judge: Any = "match") -> tuple[Policy, Rollouts]:
    policy = Policy(model)
    questions = [
        question(id=str(number), prompt=f"Where is {number * 'it '}?") for number in range(4)
    ]
    decoding = Decoding(0.7, max_tokens=8, mark="Confidence:")
    rollouts = roll_out(
        policy,
        questions,
        build("format", "sayself"),
        build("judge", judge),
        build("reward", "quadratic"),
        "confidence",
        decoding,
        torch.Generator().manual_seed(0),
    )
    return policy, rollouts


def test_replies_that_nobody_can_read_are_paid_minus_one(small_model: ModelRef) -> None:
    policy, rollouts = rolled(small_model)

    assert rollouts.figures == {"reward": -1, "accuracy": 0, "parse_rate": 0}
    assert rollouts.rewards.sum(-1).tolist() == pytest.approx([-1.0] * 4)
    assert rollouts.movable.tolist() == rollouts.tokens.tolist()
    texts = policy.tokenizer.batch_decode(rollouts.ids)
    for number, text in enumerate(texts):
        assert f"Where is {number * 'it '}?" in text


def test_questions_that_cannot_be_judged_are_left_out(small_model: ModelRef) -> None:
    _, rollouts = rolled(small_model, Undecided(unclear=("0",)))

    assert len(rollouts.ids) == 3
    assert rollouts.figures["accuracy"] == 1


def test_a_batch_that_cannot_be_judged_at_all_stops_the_stage(small_model: ModelRef) -> None:
    with pytest.raises(StageError, match="could judge no reply"):
        rolled(small_model, Undecided(unclear=("0", "1", "2", "3")))


def test_replies_to_one_question_are_each_others_baseline() -> None:
    # a: 1 - (0.5 + 0) / 2, 0.5 - (1 + 0) / 2, 0 - (1 + 0.5) / 2; b is alone and stays as it is.
    # The last two are unreadable.
    rewards = centred([1.0, 0.5, -1.0, 0.0, -1.0, -2.0], ["a", "a", "b", "a", None, None])

    assert rewards == pytest.approx([0.75, 0.0, -1.0, -0.75, -1.0, -2.0])
