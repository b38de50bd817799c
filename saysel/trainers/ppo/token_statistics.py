"""Log-probability and KL divergence at every token of some replies, from hidden states.

Logits are computed a chunk of positions at a time, and only where a reply has a token, so that
nothing of size B x T x V exists (B replies, T token positions, V vocabulary entries).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from saysel import hf
from saysel.trainers.ppo.losses import action_logprobs, kl
from saysel.trainers.ppo.policy import Policy

if TYPE_CHECKING:
    from torch import Tensor


def sampled_logprobs(
    policy: Policy, states: Tensor, actions: Tensor, tokens: Tensor, temperature: float
) -> Tensor:
    """Log-probabilities of the sampled tokens at their sampling temperature, [B, T].

    Args:
        states: the policy's hidden states, [B, T, H].
        actions: the sampled tokens, [B, T].
        tokens: 1.0 at the tokens of the replies, [B, T]; the result is 0 elsewhere.
    """
    counted = tokens > 0

    def compute(states: Tensor, actions: Tensor) -> tuple[Tensor]:
        return (action_logprobs(policy.logprobs(states), actions, temperature),)

    (logprobs,) = hf.in_chunks(compute, policy.vocabulary, states[counted], actions[counted])
    return _in_place(logprobs, counted)


def logprobs_and_divergence(
    policy: Policy,
    states: Tensor,
    reference: Tensor,
    actions: Tensor,
    tokens: Tensor,
    temperature: float,
) -> tuple[Tensor, Tensor]:
    """What `sampled_logprobs` returns, and KL(policy || reference) in nats, [B, T].

    Args:
        reference: the reference policy's hidden states, [B, T, H].
    """
    counted = tokens > 0

    def compute(states: Tensor, reference: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        logprobs = policy.logprobs(states)  # [N, V]
        divergence = kl(logprobs, policy.reference_logprobs(reference))
        return action_logprobs(logprobs, actions, temperature), divergence

    logprobs, divergence = hf.in_chunks(
        compute, policy.vocabulary, states[counted], reference[counted], actions[counted]
    )
    return _in_place(logprobs, counted), _in_place(divergence, counted)


def _in_place(values: Tensor, counted: Tensor) -> Tensor:
    """N values at the N counted positions of [B, T], 0 elsewhere."""
    return values.new_zeros(counted.shape).masked_scatter(counted, values)
