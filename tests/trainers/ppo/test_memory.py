"""The peak memory of an update, in bytes of live tensors, on a wide vocabulary."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.generation import Reply
from saysel.interfaces import Format
from saysel.records import ModelRef
from saysel.registry import build
from saysel.trainers.ppo.confidence_rewards import confidence_rewards
from saysel.trainers.ppo.learner import Learner
from saysel.trainers.ppo.policy import Policy
from saysel.trainers.ppo.rollouts import assemble
from saysel.trainers.ppo.trainer import PPOTrainer
from tests.support.live_memory import LiveMemory
from tests.trainers.two_arms import FORMAT, widened

VOCABULARY = 10_000
#: Logits in a chunk: those of twenty positions.
CHUNK = 20 * VOCABULARY


@pytest.fixture(scope="module")
def wide(red: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A small model with a wide vocabulary."""
    return widened(red, VOCABULARY, tmp_path_factory.mktemp("wide"))


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saysel.hf.hidden_states.LOGITS_PER_CHUNK", CHUNK)


def peak(
    ref: ModelRef,
    batch: int = 16,
    tokens: int = 30,
    format: Format | None = None,
    **options: Any,
) -> int:
    """Bytes that the targets of a batch and its updates take at most, in addition to the weights.

    Args:
        batch: replies.
        tokens: of each reply.
        format: defines the confidences of the expected reward; `None` samples them.
    """
    trainer = PPOTrainer(mini_batch_size=batch, epochs=1, **options)
    policy = Policy(ref, trainer.lora, bool(trainer.gradient_checkpointing))
    prompts = [[50, 51, 52]] * batch
    replies = [Reply(list(range(90, 90 + tokens)), 0.0, marker_end=tokens - 3)] * batch
    rollouts = assemble(
        prompts=prompts,
        replies=replies,
        rewards=[row / batch for row in range(batch)],
        readable=[True] * batch,
        has_answer=[True] * batch,
        mask="confidence",
        pad=policy.tokenizer.pad_token_id,
        device=torch.device("cpu"),
    )
    confidence_tokens = None
    if format is not None:
        confidence_tokens = ConfidenceTokens(format, policy.tokenizer, {1})
        rewards = [[0.5] * (len(confidence_tokens.values) + 1)] * batch
        every = confidence_rewards(
            policy, confidence_tokens, prompts, replies, [True] * batch, rewards
        )
        rollouts = replace(rollouts, confidence_rewards=every)
    learner = Learner(
        trainer, policy, torch.optim.SGD(policy.parameters(), lr=1e-3), confidence_tokens
    )
    with LiveMemory() as memory:
        learner.update(rollouts, learner.targets(rollouts), torch.Generator().manual_seed(0))
    return memory.peak


def test_peak_memory_grows_with_the_micro_batch_and_not_with_the_batch(wide: ModelRef) -> None:
    small = peak(wide, batch=4, micro_batch_size=4)
    whole_vocabulary = 4 * 12 * 30 * VOCABULARY  # bytes of one such tensor for 12 more replies

    large = peak(wide, batch=16, micro_batch_size=4)
    at_once = peak(wide, batch=16, micro_batch_size=16)

    assert large - small < 0.05 * whole_vocabulary
    assert at_once > 1.1 * large


def test_peak_memory_does_not_grow_with_tokens_times_vocabulary(wide: ModelRef) -> None:
    short, long = (peak(wide, batch=4, tokens=tokens) for tokens in (30, 150))

    assert long - short < 0.2 * 4 * 4 * 120 * VOCABULARY
    # Neither does anything as large exist: a chunk takes a few tensors.
    assert short < 15 * 4 * CHUNK


@pytest.mark.slow
def test_peak_memory_does_not_grow_with_the_branches_of_the_confidences(wide: ModelRef) -> None:
    few, many = (
        peak(wide, confidences="expected", format=format)
        for format in (FORMAT, build("format", "tags"))
    )

    # One branch, and twelve: the activations of one more branch are kept, not of eleven.
    assert many < 1.5 * few


@pytest.mark.slow
def test_checkpointed_layers_take_less_memory(wide: ModelRef) -> None:
    kept, recomputed = (
        peak(wide, micro_batch_size=16, gradient_checkpointing=on) for on in (False, True)
    )

    assert recomputed < 0.9 * kept
