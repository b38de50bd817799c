from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import PrivateAttr, ValidationError

from saysel import hf
from saysel.errors import StageError
from saysel.hf.grpo import (
    WeightedReply,
    copy_trainable_weights,
    grpo_config,
    grpo_trainer,
    replaced_weights,
    training_tensors,
)
from saysel.interfaces import BatchReward, Judge, JudgedReply, RewardFn, SegmentRewards
from saysel.records import ModelRef, Question
from saysel.rewards.quadratic import QuadraticReward
from saysel.samplers.transformers import TransformersSampler
from saysel.testing import Data
from saysel.trainers.group_rollouts import GroupRollouts, advantages
from saysel.trainers.grpo import GRPOTrainer
from tests.support import end_to_end
from tests.trainers.two_arms import FORMAT, FirstColon, same, weights

SHORT: dict[str, Any] = {
    "steps": 6,
    "batch_size": 16,
    "micro_batch_size": 8,
    "replies": 4,
    "temperature": 1.0,
    "learning_rate": 1e-3,
    "max_tokens": 12,
    "lora": None,
    "checkpoint_every": 1,
}


class Rlcr(RewardFn):
    """Correctness less the Brier score, as in RLCR."""

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        return [
            -1.0 if c is None else y - (c - y) ** 2
            for y, c in zip(correct, confidence, strict=True)
        ]


class Undecided(Judge):
    """Right about the sun and wrong about the moon, but some questions cannot be judged."""

    unclear: tuple[str, ...]

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        return [
            None if question.id in self.unclear else float(question.id.startswith("sun"))
            for question, _ in items
        ]


def sample(
    model: ModelRef, data: Data, asked: Sequence[Question], **options: Any
) -> tuple[list[WeightedReply], dict[str, float], Any]:
    lm, tokenizer = hf.load_model(model), hf.load_tokenizer(model)
    rollouts = GroupRollouts(GRPOTrainer(**{**SHORT, **options}), data, tokenizer, asked)
    replies = rollouts(lm, 0, range(len(asked)))
    return replies, rollouts.figures, tokenizer


def test_advantages_by_hand() -> None:
    # The first group's mean is 0.5, the second's (1 + -1) / 2 without the reply that has none.
    rewards = [1.0, 0.5, 0.0, 1.0, None, -1.0, None, None, None]

    assert advantages(rewards, 3, "none") == pytest.approx([0.5, 0, -0.5, 1, 0, -1, 0, 0, 0])
    deviation = (1 / 6) ** 0.5
    assert advantages(rewards[:3], 3, "group") == pytest.approx(
        [0.5 / deviation, 0, -0.5 / deviation], rel=1e-3
    )
    assert advantages([0.3] * 4, 4, "group") == pytest.approx([0.0] * 4)


@given(st.lists(st.none() | st.floats(-3, 3), min_size=4, max_size=4), st.floats(-3, 3))
def test_advantages_depend_on_differences_only(rewards: list[float | None], shift: float) -> None:
    found = advantages(rewards, 4, "none")
    shifted = [None if reward is None else reward + shift for reward in rewards]

    assert sum(found) == pytest.approx(0, abs=1e-6)
    assert advantages(shifted, 4, "none") == pytest.approx(found, abs=1e-6)
    assert all(gained == 0 for gained, reward in zip(found, rewards, strict=True) if reward is None)


def test_only_the_confidence_of_readable_replies_is_trained(red: ModelRef, two_arms: Data) -> None:
    replies, figures, tokenizer = sample(red, two_arms, two_arms.all_questions[:8])

    assert len(replies) == 32
    read = 0
    for row, reply in enumerate(replies):
        prompt = hf.encode(tokenizer, [FORMAT.prompt(two_arms.all_questions[row // 4])])[0]
        text = tokenizer.decode(reply.context[len(prompt) :] + reply.trained)
        if FORMAT.parse(text.removesuffix(tokenizer.eos_token)).confidence is None:
            assert reply.context == prompt
            continue
        read += 1
        assert reply.context[: len(prompt)] == prompt
        assert tokenizer.decode(reply.context).endswith("Confidence:")
        assert reply.trained[-1] == tokenizer.eos_token_id
    assert read == round(figures["parse_rate"] * 32) > 16


def test_the_confidence_that_is_rewarded_is_the_one_that_is_trained(
    red: ModelRef, two_arms: Data
) -> None:
    """The marker before it is not the last one of the reply."""
    data = replace(two_arms, format=FirstColon(instruction=""))
    replies, figures, tokenizer = sample(red, data, data.all_questions[:2], temperature=0.01)

    assert figures["parse_rate"] == 1
    for reply in replies:
        assert tokenizer.decode(reply.context).endswith("Answer:")
        assert tokenizer.decode(reply.trained).startswith(" red Confidence:")


def test_the_whole_reply_is_trained_with_the_response_mask(red: ModelRef, two_arms: Data) -> None:
    replies, _, tokenizer = sample(red, two_arms, two_arms.all_questions[:2], mask="response")

    prompts = hf.encode(tokenizer, [FORMAT.prompt(asked) for asked in two_arms.all_questions[:2]])
    assert [reply.context for reply in replies] == [prompts[0]] * 4 + [prompts[1]] * 4
    assert all(reply.trained for reply in replies)


def test_replies_are_compared_with_their_group(red: ModelRef, two_arms: Data) -> None:
    replies, figures, tokenizer = sample(red, two_arms, two_arms.all_questions[:2], reward=Rlcr())

    rewards = []
    for row, reply in enumerate(replies):
        stated = FORMAT.parse(
            tokenizer.decode(reply.context + reply.trained, skip_special_tokens=True)
        ).confidence
        right = float(row < 4)  # the first question is about the sun
        rewards.append(-1.0 if stated is None else right - (stated - right) ** 2)
    for group in (rewards[:4], rewards[4:]):
        assert len(set(group)) > 1
    expected = [reward - fmean(rewards[:4]) for reward in rewards[:4]]
    expected += [reward - fmean(rewards[4:]) for reward in rewards[4:]]
    assert [reply.advantage for reply in replies] == pytest.approx(expected)
    assert figures["reward"] == pytest.approx(fmean(rewards))
    assert figures["accuracy"] == 0.5


class Parts(BatchReward):
    """Different rewards for the answer and for the confidence."""

    def rewards(self, replies: Sequence[JudgedReply]) -> list[SegmentRewards]:
        return [
            SegmentRewards(answer=reply.correct, confidence=reply.confidence or -1.0)
            for reply in replies
        ]


@pytest.mark.parametrize("mask", ["confidence", "response"])
def test_a_whole_reply_gets_the_sum_of_the_rewards_of_its_parts(
    red: ModelRef, two_arms: Data, mask: str
) -> None:
    asked = two_arms.all_questions[:1]  # about the sun: all answers are right
    replies, _, tokenizer = sample(red, two_arms, asked, mask=mask, reward=Parts())

    rewards = []
    for reply in replies:
        text = tokenizer.decode(reply.context + reply.trained, skip_special_tokens=True)
        stated = FORMAT.parse(text).confidence
        whole = mask == "response" and stated is not None
        rewards.append((stated or -1.0) + whole)
    expected = [reward - fmean(rewards) for reward in rewards]
    assert [reply.advantage for reply in replies] == pytest.approx(expected)


def test_unjudged_replies_have_no_effect(red: ModelRef, two_arms: Data) -> None:
    data = replace(two_arms, judge=Undecided(unclear=("sun0",)))

    replies, figures, _ = sample(red, data, two_arms.all_questions[:2])

    assert [reply.advantage for reply in replies[:4]] == [0] * 4
    assert any(reply.advantage for reply in replies[4:])
    assert figures["accuracy"] == 0
    nothing = replace(two_arms, judge=Undecided(unclear=("sun0", "moon0")))
    with pytest.raises(StageError, match="grpo: the judge could not judge any reply"):
        sample(red, nothing, two_arms.all_questions[:2])


def test_contexts_are_padded_on_the_left_and_trained_tokens_on_the_right() -> None:
    batch = training_tensors(
        [WeightedReply([5, 6], [7], 0.5), WeightedReply([5], [8, 9], -0.5)], 0, "cpu"
    )

    assert {name: value.tolist() for name, value in batch.items()} == {
        "prompt_ids": [[5, 6], [0, 5]],
        "prompt_mask": [[1, 1], [0, 1]],
        "completion_ids": [[7, 0], [8, 9]],
        "completion_mask": [[1, 0], [1, 1]],
        "advantages": [0.5, -0.5],
        "num_items_in_batch": 3,
    }


def one_step(
    model: ModelRef,
    directory: Path,
    replies: list[WeightedReply],
    *max_weight: float,
    **options: Any,
) -> tuple[Any, dict[str, float]]:
    """The trainer after one update on two replies to one question, and what it has logged.

    Args:
        max_weight: of `grpo_trainer`.
        options: of TRL's configuration.
    """
    arguments = hf.training_arguments(
        directory,
        max_steps=1,
        logging_strategy="steps",
        logging_steps=1,
        per_device_train_batch_size=2,
        num_generations=2,
        **options,
    )
    trainer = grpo_trainer(
        lambda lm, step, rows: replies,
        [0],
        0.0,
        *max_weight,
        model=hf.load_trainable(model),
        args=grpo_config(**arguments),
        processing_class=hf.load_tokenizer(model),
    )
    hf.fit(trainer, directory)
    (entry,) = [entry for entry in trainer.state.log_history if "loss" in entry]
    return trainer, entry


def test_a_long_reply_counts_as_much_as_a_short_one(red: ModelRef, tmp_path: Path) -> None:
    # Ratios are 1 before the update: the loss is minus the mean over replies of their advantage.
    # Averaged over tokens it would be (60 - 1) / 61.
    replies = [WeightedReply([50, 51], [60], 1.0), WeightedReply([50, 51], [70] * 60, -1.0)]
    _, entry = one_step(red, tmp_path, replies)

    assert entry["loss"] == pytest.approx(0, abs=1e-6)


def test_tokens_of_another_engine_are_weighted(red: ModelRef, tmp_path: Path) -> None:
    # The policy gives the first token e^2 and the second e^-0.5 times the engine's probability.
    lm, tokenizer = hf.load_model(red), hf.load_tokenizer(red)
    ((first,), (second,)) = hf.reply_logprobs(lm, tokenizer, [[50, 51]] * 2, [[60], [70]])
    replies = [
        WeightedReply([50, 51], [60], 1.0, [first - 2]),
        WeightedReply([50, 51], [70], -1.0, [second + 0.5]),
    ]
    trainer, entry = one_step(red, tmp_path, replies, 1.5, temperature=1.0, epsilon=1.5)

    assert entry["loss"] == pytest.approx(-(1.5 - math.exp(-0.5)) / 2, abs=1e-4)
    assert entry["grad_norm"] > 0
    assert trainer.gap_figures == {
        "rollout_gap": pytest.approx((2 + 0.5) / 2, abs=1e-4),
        "truncated_weights": 0.5,
    }


def test_the_reference_is_the_model_before_training(red: ModelRef) -> None:
    model = hf.load_trainable(red)
    text = torch.tensor([[5, 6, 7]])
    before, first = copy_trainable_weights(model), model(text).logits.detach()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1)
    moved = model(text).logits.detach()

    with replaced_weights(model, before):
        again = model(text).logits.detach()

    assert torch.equal(again, first)
    assert torch.equal(model(text).logits.detach(), moved)
    assert not torch.equal(moved, first)


def test_batches_are_of_whole_groups() -> None:
    with pytest.raises(ValidationError, match=r"batch_size must be a multiple of replies \(32\)"):
        GRPOTrainer(batch_size=48)


class Breaks(QuadraticReward):
    """The quadratic reward, until the process is killed in the middle of a step."""

    good_for: int
    _calls: int = PrivateAttr(0)

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        self._calls += 1
        if self._calls > self.good_for:
            raise KeyboardInterrupt
        return super().reward(correct, confidence)


@pytest.mark.parametrize("beta", [0.0, 0.1])
@pytest.mark.parametrize("base", ["red", "adapted"])
def test_a_killed_and_resumed_run_gives_the_same_model(
    base: str, beta: float, request: pytest.FixtureRequest, two_arms: Data, tmp_path: Path
) -> None:
    ref = request.getfixturevalue(base)
    again = replace(two_arms, figures=[])
    options = {**SHORT, "beta": beta}

    straight = GRPOTrainer(**options).train(ref, two_arms, tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        GRPOTrainer(**options, reward=Breaks(good_for=3)).train(ref, again, tmp_path / "resumed")
    assert [entry["step"] for entry in again.figures] == [1, 2, 3]
    resumed = GRPOTrainer(**options).train(ref, again, tmp_path / "resumed")

    assert again.figures == two_arms.figures
    assert ("kl" in again.figures[0]) == bool(beta)
    assert same(straight, resumed)
    assert not same(straight, ref)
    assert again.progress.done == 6  # type: ignore[attr-defined]


def test_the_micro_batch_size_does_not_change_the_result(
    red: ModelRef, two_arms: Data, tmp_path: Path
) -> None:
    whole, parts = (
        GRPOTrainer(**{**SHORT, "steps": 1, "micro_batch_size": size}).train(
            red, two_arms, tmp_path / str(size)
        )
        for size in (16, 5)
    )

    for name, value in weights(whole).items():
        torch.testing.assert_close(weights(parts)[name], value, atol=1e-4, rtol=0)


@pytest.mark.parametrize("base", ["red", "adapted"])
def test_an_adapter_is_trained_and_its_base_is_not(
    base: str, request: pytest.FixtureRequest, two_arms: Data, tmp_path: Path
) -> None:
    ref = request.getfixturevalue(base)
    before = weights(ModelRef(ref.path))
    options = {**SHORT, "steps": 2}
    del options["lora"]

    trained = GRPOTrainer(**options).train(ref, two_arms, tmp_path)

    assert trained == replace(ref, adapter=str(tmp_path / "model"))
    assert all("lora" in name for name in weights(trained))
    if ref.adapter:
        assert weights(trained).keys() == weights(ref).keys()
    assert all(
        torch.equal(before[name], value) for name, value in weights(ModelRef(ref.path)).items()
    )


def says(model: ModelRef, data: Data, temperature: float, n: int) -> dict[str, list[Any]]:
    """What the model says about either arm."""
    sampler = TransformersSampler(max_tokens=12, temperature=temperature)
    prompts = [FORMAT.prompt(question) for question in data.all_questions]
    found: dict[str, list[Any]] = {"sun": [], "moon": []}
    for question, replies in zip(
        data.all_questions, sampler.sample(model, prompts, n, 0), strict=True
    ):
        arm = question.id.rstrip("0123456789")
        found[arm] += [FORMAT.parse(reply.text) for reply in replies]
    return found


def test_a_recipe_trains_with_it(tiny_recipe: Path, tiny_copy: Path) -> None:
    changed = ["--set", "train[1]={use: grpo, steps: 2, batch_size: 8, replies: 4, max_tokens: 48}"]

    result = end_to_end.invoke("run", tiny_recipe, "--out", tiny_copy, *changed)

    assert result.exit_code == 0, result.output
    assert "train-grpo: 2 of 2 steps" in result.output
    events = map(json.loads, (tiny_copy / "events.jsonl").read_text().splitlines())
    logged = [event for event in events if event.get("stage") == "train-grpo" and "reward" in event]
    assert [event["step"] for event in logged] == [1, 2]
    (place,) = tiny_copy.glob("stages/train-grpo-*")
    assert (place / "model" / "adapter_config.json").is_file()
    assert not (place / "checkpoints").exists()
    metrics = json.loads((tiny_copy / "report" / "metrics.json").read_text())
    assert "grpo" in {row["model"] for row in metrics["rows"]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mask", "reward", "steps"),
    [("confidence", QuadraticReward(), 200), ("response", Rlcr(), 300)],
    ids=["quadratic on the confidence", "rlcr on the response"],
)
def test_confidence_becomes_calibrated_on_two_arms(
    reward: RewardFn, mask: str, steps: int, red: ModelRef, two_arms: Data, tmp_path: Path
) -> None:
    before = says(red, two_arms, 1.0, 20)
    options = {**SHORT, "steps": steps, "batch_size": 128, "micro_batch_size": 128, "replies": 8}
    # Without KL the confidence settles on that of both arms together before it tells them apart.
    trainer = GRPOTrainer(**{**options, "learning_rate": 3e-3}, reward=reward, mask=mask, beta=0.05)

    trained = trainer.train(red, two_arms, tmp_path)

    after = says(trained, two_arms, 1.0, 20)
    for arm, calibrated in (("sun", 1.0), ("moon", 0.0)):
        was, now = (
            [part.confidence for part in found[arm] if part.confidence is not None]
            for found in (before, after)
        )
        assert 0.35 < fmean(was) < 0.65
        assert fmean(now) == pytest.approx(calibrated, abs=0.3)
        assert len(now) > 0.93 * len(after[arm])
        answers = [part.answer for part in after[arm]]
        assert answers.count("red") > 0.93 * len(answers)
