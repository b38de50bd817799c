from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError

from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.rollout_gap import DrawnTokens
from saysel.records import ModelRef
from saysel.testing import Data
from saysel.trainers.ppo.policy import Policy
from saysel.trainers.ppo.rollouts import roll_out
from saysel.trainers.ppo.targets import make_targets
from saysel.trainers.ppo.trainer import PPOTrainer
from tests.trainers.two_arms import FORMAT


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_the_policy_gives_its_own_tokens_the_probability_they_were_drawn_with(
    red: ModelRef, two_arms: Data, temperature: float
) -> None:
    policy = Policy(red)
    options = PPOTrainer(max_tokens=24, confidence_temperature=temperature)
    questions = two_arms.questions("train")[:6]
    generator = torch.Generator().manual_seed(0)

    rollouts = roll_out(options, policy, None, questions, two_arms, generator)
    targets = make_targets(options, policy, rollouts, 1.0)

    assert targets.figures["rollout_gap"] < 1e-4
    assert targets.figures["truncated_weights"] == 0
    assert torch.equal(targets.policy_weight, rollouts.trained)


def test_tokens_of_another_engine_are_weighted(red: ModelRef, two_arms: Data) -> None:
    policy = Policy(red)
    options = PPOTrainer(max_tokens=24, top_k=0, vllm={"max_weight": 1.5})
    questions = two_arms.questions("train")[:6]
    generator = torch.Generator().manual_seed(0)
    rollouts = roll_out(options, policy, None, questions, two_arms, generator)
    assert rollouts.drawn is not None

    def targets_if_drawn(logprob_gap: float) -> torch.Tensor:
        drawn = DrawnTokens(rollouts.drawn.logprobs - logprob_gap, rollouts.drawn.temperatures)
        return make_targets(options, policy, replace(rollouts, drawn=drawn), 1.0).policy_weight

    trained = rollouts.trained > 0
    ratio = torch.tensor(0.1).exp()
    assert torch.allclose(targets_if_drawn(0.1)[trained], ratio, atol=1e-4)
    assert torch.allclose(targets_if_drawn(-0.1)[trained], 1 / ratio, atol=1e-4)
    assert (targets_if_drawn(2.0)[trained] == 1.5).all()
    assert (targets_if_drawn(2.0)[~trained] == 0).all()


def test_only_replies_with_a_policy_loss_are_read_before_the_updates(
    red: ModelRef, two_arms: Data
) -> None:
    policy = Policy(red)
    torch.nn.init.ones_(policy.head.weight)
    options = PPOTrainer(max_tokens=24, confidences="expected")
    tokens = ConfidenceTokens(FORMAT, policy.tokenizer, {policy.tokenizer.eos_token_id})
    questions = two_arms.questions("train")[:6]
    generator = torch.Generator().manual_seed(0)
    rollouts = roll_out(options, policy, tokens, questions, two_arms, generator)
    every = rollouts.confidence_rewards
    assert every is not None and (every.position >= 0).all()
    # As if the third reply stated its confidence in another way.
    third = torch.arange(6) == 2
    every = replace(every, position=torch.where(third, -1, every.position))

    targets = make_targets(options, policy, replace(rollouts, confidence_rewards=every), 1.0)
    of_all = make_targets(options, policy, replace(rollouts, confidence_rewards=None), 1.0)

    for name in ("old_logprobs", "old_values", "value_mask", "policy_weight"):
        found, expected = getattr(targets, name), getattr(of_all, name)
        torch.testing.assert_close(found[third], expected[third], msg=name)
        assert not found[~third].any(), name
        assert expected[~third].any(), name
    torch.testing.assert_close(targets.reference, of_all.reference)


def test_vllm_needs_all_tokens() -> None:
    with pytest.raises(ValidationError, match="vllm needs top_k: 0"):
        PPOTrainer(vllm={})
    assert PPOTrainer(vllm={}, top_k=0).vllm is not None


def test_without_vllm_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from saysel.errors import MissingExtra

    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(MissingExtra, match=r"the option vllm of ppo .*saysel\[vllm\]"):
        PPOTrainer(vllm={}, top_k=0).check_installed()
