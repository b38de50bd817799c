"""The arithmetic of PPO on padded batches of replies.

B replies, T token positions, V vocabulary entries. A mask is 1.0 where a token counts. A loss is
given for each reply, summed over its tokens: coefficients weigh whole replies, whatever their
length, and the losses of several micro-batches add up to that of a mini-batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def gae(
    rewards: Tensor, values: Tensor, tokens: Tensor, ends: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Generalised advantage estimation (arXiv 1506.02438, eq. 16).

        delta_t = r_t + gamma V_{t+1} - V_t,    A_t = delta_t + gamma lam A_{t+1}

    A reply ends after its last token, so the value of what follows is 0. The same holds after each
    of its segments, which have separate rewards.

    Args:
        rewards: reward received for each token, [B, T].
        values: value of the state in which each token was chosen, [B, T].
        tokens: 1.0 at the tokens of a reply, 0.0 at the padding after it, [B, T].
        ends: 1.0 at the last token of each segment, [B, T].

    Returns:
        Advantages and returns (advantage + value), [B, T], 0 at padding.
    """
    import torch

    advantages = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[:, 0])
    upcoming = torch.zeros_like(rewards[:, 0])
    for t in range(rewards.shape[1] - 1, -1, -1):
        continues = 1 - ends[:, t]
        delta = rewards[:, t] + gamma * upcoming * continues - values[:, t]
        following = (delta + gamma * lam * following * continues) * tokens[:, t]
        upcoming = values[:, t] * tokens[:, t]
        advantages[:, t] = following
    return advantages, (advantages + values) * tokens


def action_logprobs(logprobs: Tensor, actions: Tensor, temperature: float) -> Tensor:
    """Log-probabilities of the sampled tokens at their sampling temperature, [...].

    Args:
        logprobs: of every token, at temperature 1, [..., V].
        actions: the sampled tokens, [...].
    """
    return at_temperature(logprobs, temperature).gather(-1, actions[..., None]).squeeze(-1)


def at_temperature(logprobs: Tensor, temperature: float) -> Tensor:
    """Log-probabilities at another temperature, [..., V]."""
    return logprobs if temperature == 1 else (logprobs / temperature).log_softmax(-1)


def policy_loss(
    logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, clip: float
) -> Tensor:
    """The clipped surrogate (arXiv 1707.06347, eq. 7) of each reply, negated, [B].

    L = - sum_t min(rho_t A_t, clamp(rho_t, 1 - clip, 1 + clip) A_t),  rho_t = pi_t / pi_old,t
    """
    ratio = (logprobs - old_logprobs).exp()
    clipped = ratio.clamp(1 - clip, 1 + clip)
    gains = (ratio * advantages).minimum(clipped * advantages)
    return -(gains * mask).sum(-1)


def expected_reward_loss(
    logprobs: Tensor, rewards: Tensor, included: Tensor, entropy: float
) -> Tensor:
    """The expected reward over everything the policy could have stated, negated, [B].

        L_b = - [ sum_c pi_b(c) R_b(c) + rest_b R_b(unreadable) + entropy H(pi_b) ]
        rest_b = 1 - sum_c pi_b(c)

    Sampling a confidence estimates the gradient of this loss (arXiv 2405.20974, eq. 3). With the
    quadratic reward it is, up to scale, the gradient of ConfTuner's tokenized Brier score (arXiv
    2508.18847).

    Args:
        logprobs: of each confidence, [B, C].
        rewards: of each confidence, and of an unreadable one in the last column, [B, C + 1].
        included: 1.0 for the replies to learn from, [B].
        entropy: weight of the entropy in nats (arXiv 1707.06347, eq. 9). Without it, a policy
            that puts all probability on one confidence has no gradient towards another.
    """
    import torch

    chances = logprobs.exp()
    spread = -(chances * logprobs).sum(-1)
    chances = torch.cat([chances, 1 - chances.sum(-1, keepdim=True)], -1)  # [B, C + 1]
    return -(((chances * rewards).sum(-1) + entropy * spread) * included)


def value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, tokens: Tensor, clip: float
) -> Tensor:
    """Half the squared error of each reply, with predictions clipped to their old value ± `clip`.

    The larger of clipped and unclipped error counts, as in OpenAI's implementation. Summed over
    the tokens of a reply, [B].
    """
    clipped = old_values + (values - old_values).clamp(-clip, clip)
    errors = ((values - returns) ** 2).maximum((clipped - returns) ** 2)
    return 0.5 * (errors * tokens).sum(-1)


def kl(logprobs: Tensor, reference: Tensor) -> Tensor:
    """Exact KL(policy || reference) of every next-token distribution, in nats: [..., V] -> [...].

    Exact, because an estimate needs sampled tokens, and most tokens are decoded greedily.
    """
    return (logprobs.exp() * (logprobs - reference)).sum(-1)


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """Zero mean and unit variance over the masked entries; 0 elsewhere."""
    count = mask.sum().clamp(min=1)
    mean = (values * mask).sum() / count
    variance = (((values - mean) ** 2) * mask).sum() / count
    return (values - mean) * (variance + 1e-8).rsqrt() * mask


def policy_advantages(
    estimates: Tensor, rewards: Tensor, trained: Tensor, readable: Tensor, normalise: bool
) -> Tensor:
    """The advantages for the policy loss, [B, T]; 0 at tokens that are not trained.

    Readable replies keep their GAE estimates, normalised over their trained tokens. An unreadable
    reply gets a single advantage, its reward, spread evenly over its tokens. In GAE its reward
    would accumulate from token to token, for 150 tokens to 96 times that of a readable reply, and
    one such reply would shift the normalisation of the whole batch.

    Args:
        estimates: GAE advantages, [B, T].
        rewards: per token, [B, T]. Those of an unreadable reply sum to its reward; a positive one
            counts as 0, because nothing should reinforce an unreadable reply.
        trained: 1.0 at the tokens that the reward trains, [B, T].
        readable: 1.0 for replies whose confidence can be parsed, [B].
        normalise: normalise the readable replies' trained tokens to zero mean, unit variance.
    """
    import torch

    of_readable = trained * readable[:, None]
    if normalise:
        estimates = whiten(estimates, of_readable)
    return torch.where(readable[:, None] > 0, estimates, rewards.clamp(max=0)) * trained


def adapt_coefficient(
    coefficient: float, measured: float, target: float, step: float = 0.1
) -> float:
    """A KL coefficient, adapted so that KL approaches its target (arXiv 1909.08593, section 2.2).

    The proportional error is clipped to ± 0.2 and multiplied by `step`.
    """
    error = min(max(measured / target - 1, -0.2), 0.2)
    return coefficient * (1 + step * error)
