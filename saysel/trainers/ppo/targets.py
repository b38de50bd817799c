"""What stays fixed during the updates on a batch: advantages, returns, old probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from saysel.hf import data_parallel
from saysel.hf.rollout_gap import importance_weights
from saysel.trainers.ppo.losses import gae, policy_advantages
from saysel.trainers.ppo.policy import Policy
from saysel.trainers.ppo.rollouts import Rollouts
from saysel.trainers.ppo.token_statistics import sampled_logprobs

if TYPE_CHECKING:
    from torch import Tensor

    from saysel.trainers.ppo.trainer import PPOTrainer


class Targets(NamedTuple):
    """What stays fixed during all updates on a batch of B replies with T tokens.

    Attributes:
        old_values, old_logprobs: of the sampled tokens before the first update, [B, T]; 0 in
            replies that need neither.
        reference: last hidden states of the reference policy, [B, T, H]. Its log-probabilities
            would be V / H times as large; without its states, every epoch would recompute them.
        advantages, returns: see `policy_advantages` and `gae`, [B, T].
        policy_weight: of each token in the policy loss, [B, T]; 0 at tokens without one.
        value_mask: 1.0 at the tokens with a value loss, [B, T].
        kl_weight: of the KL divergence at each token, [B, T].
        figures: see `importance_weights`.
    """

    old_values: Tensor
    old_logprobs: Tensor
    reference: Tensor
    advantages: Tensor
    returns: Tensor
    policy_weight: Tensor
    value_mask: Tensor
    kl_weight: Tensor
    figures: Mapping[str, float]


def make_targets(
    options: PPOTrainer, policy: Policy, rollouts: Rollouts, reward_scale: float
) -> Targets:
    """The targets of a batch.

    Args:
        policy: before the first update on the batch.
        reward_scale: the rewards are divided by it.
    """
    import torch

    # 1. The tokens with a policy loss; confidences with an expected reward have another loss.
    expected = rollouts.confidence_rewards
    policy_mask = rollouts.trained
    if expected is not None:
        policy_mask = policy_mask * (1 - rollouts.stated * (expected.position >= 0)[:, None])
    # 2. Values and log-probabilities before the first update, of replies with such tokens only; of
    # another engine's tokens, all that are trained are compared. And the reference, [B, T, H].
    needed = policy_mask if options.vllm is None else rollouts.trained
    rows = torch.nonzero(needed.any(-1))[:, 0]
    old_values, old_logprobs = before_updates(options, policy, rollouts, rows)
    reference = reference_states(options, policy, rollouts)
    # 3. Advantages and returns by GAE, [B, T].
    rewards = rollouts.rewards / reward_scale
    estimates, returns = gae(
        rewards, old_values, rollouts.tokens, rollouts.ends, options.gamma, options.lam
    )
    advantages = policy_advantages(
        estimates,
        rewards,
        policy_mask,
        rollouts.readable,
        normalise=options.whiten and expected is None,
    )
    # 4. The value is the baseline of readable replies, so it is fitted to these only.
    value_mask = torch.zeros_like(rollouts.tokens)
    value_mask[rows] = rollouts.tokens[rows] * rollouts.readable[rows, None]
    # 5. Tokens that are not trained are held to the reference more firmly, and so are all tokens
    # of an unreadable reply: without that, its negative reward can push the policy so far away from
    # the reference that it does not recover.
    free = rollouts.trained * rollouts.readable[:, None]
    kl_weight = torch.where(free > 0, options.kl_trained, options.kl) * rollouts.tokens
    # 6. Another engine draws tokens with other probabilities, which weights correct.
    weights, figures = _rollout_weights(options, rollouts, old_logprobs, needed)
    return Targets(
        old_values=old_values,
        old_logprobs=old_logprobs,
        reference=reference,
        advantages=advantages,
        returns=returns,
        policy_weight=policy_mask * weights,
        value_mask=value_mask,
        kl_weight=kl_weight,
        figures=figures,
    )


def _rollout_weights(
    options: PPOTrainer, rollouts: Rollouts, logprobs: Tensor, counted: Tensor
) -> tuple[Tensor | float, dict[str, float]]:
    """Importance weights of the tokens, and figures on the gap between policy and rollouts.

    Args:
        logprobs: by the policy before the first update, [B, T].
        counted: 1.0 at the tokens that are compared, [B, T].
    """
    if rollouts.drawn is None:
        return 1.0, {}
    weights, figures = importance_weights(
        logprobs,
        rollouts.drawn,
        options.confidence_temperature,
        counted,
        limit=math.inf if options.vllm is None else options.vllm.max_weight,
    )
    # Sampled by the policy itself, tokens differ by rounding only.
    return (1.0 if options.vllm is None else weights), figures


def before_updates(
    options: PPOTrainer, policy: Policy, rollouts: Rollouts, rows: Tensor
) -> tuple[Tensor, Tensor]:
    """Values and log-probabilities of the sampled tokens of some replies, 0 elsewhere, [B, T].

    Args:
        rows: which replies, [n].
    """
    import torch

    length = rollouts.actions.shape[1]

    def compute(part: Tensor) -> Tensor:
        output = policy.forward(rollouts.ids[part], rollouts.mask[part], length)
        logprobs = sampled_logprobs(
            policy,
            output.states,
            rollouts.actions[part],
            rollouts.tokens[part],
            options.confidence_temperature,
        )
        return torch.stack([output.values, logprobs], -1)  # [m, T, 2]

    result = torch.zeros(*rollouts.actions.shape, 2, device=rollouts.ids.device)
    if len(rows):
        result[rows] = _in_parts(compute, rows, options.micro_batch_size)
    values, logprobs = result.unbind(-1)
    return values, logprobs


def reference_states(options: PPOTrainer, policy: Policy, rollouts: Rollouts) -> Tensor:
    """The reference policy's hidden states, [B, T, H]."""
    import torch

    length = rollouts.actions.shape[1]
    return _in_parts(
        lambda part: policy.reference_states(rollouts.ids[part], rollouts.mask[part], length),
        torch.arange(len(rollouts.ids), device=rollouts.ids.device),
        options.micro_batch_size,
    )


def _in_parts(compute: Callable[[Tensor], Tensor], rows: Tensor, size: int) -> Tensor:
    """What `compute` returns for some rows, `size` at a time, each process its share of them."""
    import torch

    own, _ = data_parallel.own_rows(rows)
    with torch.no_grad():
        results = torch.cat([compute(part) for part in torch.split(own, size)])
    return data_parallel.joined(results, len(rows))
