"""The arithmetic of PPO on padded batches of replies.

B replies, T token positions, V vocabulary entries. A mask is 1.0 where a token counts. Sums run
over the tokens of a reply, means over replies, so that a coefficient weighs whole replies
whatever their length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def gae(
    rewards: Tensor, values: Tensor, tokens: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation (arXiv 1506.02438, eq. 16).

        delta_t = r_t + gamma V_{t+1} - V_t,    A_t = delta_t + gamma lam A_{t+1}

    A reply ends after its last token: nothing follows it, so the value there is 0.

    Args:
        rewards: reward received for each token, [B, T].
        values: value of the state in which each token was chosen, [B, T].
        tokens: 1.0 at the tokens of a reply, 0.0 at padding behind it, [B, T].

    Returns:
        Advantages and returns (advantage + value), [B, T], 0 at padding.
    """
    import torch

    advantages = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[:, 0])
    upcoming = torch.zeros_like(rewards[:, 0])
    for t in range(rewards.shape[1] - 1, -1, -1):
        delta = rewards[:, t] + gamma * upcoming - values[:, t]
        following = (delta + gamma * lam * following) * tokens[:, t]
        upcoming = values[:, t] * tokens[:, t]
        advantages[:, t] = following
    return advantages, (advantages + values) * tokens


def policy_loss(
    logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, clip: float
) -> Tensor:
    """The clipped surrogate (arXiv 1707.06347, eq. 7), negated.

    L = - sum_t min(rho_t A_t, clamp(rho_t, 1 - clip, 1 + clip) A_t),  rho_t = pi_t / pi_old,t
    """
    ratio = (logprobs - old_logprobs).exp()
    clipped = ratio.clamp(1 - clip, 1 + clip)
    gains = (ratio * advantages).minimum(clipped * advantages)
    return -(gains * mask).sum(-1).mean()


def summed_loss(logprobs: Tensor, payoffs: Tensor, counts: Tensor, entropy: float) -> Tensor:
    """The expected reward over everything the policy could have stated, negated.

        L = - mean_b [ sum_c pi_b(c) R_b(c) + rest_b R_b(nothing readable) + entropy H(pi_b) ]
        rest_b = 1 - sum_c pi_b(c)

    Its gradient is the one that drawing confidences estimates (arXiv 2405.20974, eq. 3, summed
    instead of sampled); with the quadratic reward it is, up to scale, that of ConfTuner's
    tokenized Brier score (arXiv 2508.18847).

    Args:
        logprobs: of each confidence, [B, C].
        payoffs: what each earns, what cannot be read in the last column, [B, C + 1].
        counts: 1.0 for the replies that count, [B].
        entropy: weight of the entropy in nats (arXiv 1707.06347, eq. 9). Without it a policy
            that is sure of one confidence has no gradient left that could lead to another.
    """
    import torch

    chances = logprobs.exp()
    spread = -(chances * logprobs).sum(-1)
    chances = torch.cat([chances, 1 - chances.sum(-1, keepdim=True)], -1)
    return -(((chances * payoffs).sum(-1) + entropy * spread) * counts).mean()


def value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, tokens: Tensor, clip: float
) -> Tensor:
    """Half the squared error, with the prediction held within `clip` of its old value.

    The worse of clipped and unclipped error counts, as in OpenAI's implementation. Mean over
    the tokens of all replies.
    """
    held = old_values + (values - old_values).clamp(-clip, clip)
    errors = ((values - returns) ** 2).maximum((held - returns) ** 2)
    return 0.5 * (errors * tokens).sum() / tokens.sum().clamp(min=1)


def kl(logprobs: Tensor, reference: Tensor) -> Tensor:
    """Exact KL(policy || reference) of every next-token distribution, in nats: [B, T, V] -> [B, T].

    Exact and not estimated from the tokens drawn, because most of them are not drawn but decoded.
    """
    return (logprobs.exp() * (logprobs - reference)).sum(-1)


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """Zero mean and unit variance over the masked entries; 0 elsewhere."""
    count = mask.sum().clamp(min=1)
    mean = (values * mask).sum() / count
    variance = (((values - mean) ** 2) * mask).sum() / count
    return (values - mean) * (variance + 1e-8).rsqrt() * mask


def policy_advantages(
    estimates: Tensor, rewards: Tensor, movable: Tensor, readable: Tensor, normalise: bool
) -> Tensor:
    """The advantages for the policy loss, [B, T]; 0 at tokens that the reward may not move.

    Readable replies keep their GAE estimates, normalised over their own movable tokens. An
    unreadable reply gets one advantage, its reward, spread evenly over its tokens. In GAE its
    reward would accumulate from token to token, to 96 times that of a whole readable reply for
    150 tokens, and one such reply would shift the normalisation of the whole batch.

    Args:
        estimates: GAE advantages, [B, T].
        rewards: per token, [B, T]. Of an unreadable reply they sum to its reward; where that is
            positive the advantage is 0, since nothing should reinforce an unreadable reply.
        movable: 1.0 at the tokens that the reward may move, [B, T].
        readable: 1.0 for replies whose confidence can be read, [B].
        normalise: give the readable replies' movable tokens zero mean and unit variance.
    """
    import torch

    of_readable = movable * readable[:, None]
    if normalise:
        estimates = whiten(estimates, of_readable)
    return torch.where(readable[:, None] > 0, estimates, rewards.clamp(max=0)) * movable


def adapted(coefficient: float, measured: float, target: float, step: float = 0.1) -> float:
    """A KL coefficient moved towards its target (arXiv 1909.08593, section 2.2).

    The proportional error is clipped to 0.2, and `step` of it is applied.
    """
    error = min(max(measured / target - 1, -0.2), 0.2)
    return coefficient * (1 + step * error)
