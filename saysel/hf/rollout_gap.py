"""The gap between the policy that is trained and the engine that sampled its replies.

Two engines compute slightly different probabilities from the same weights. Replies are then drawn
from mu instead of the policy pi, and the gradient of each token is multiplied by min(pi / mu, C):
truncated importance sampling (arXiv 1802.01561, section 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from saysel.hf.generation import Reply

if TYPE_CHECKING:
    import torch
    from torch import Tensor

#: The smallest importance weight, whose logarithm must be finite.
SMALLEST_WEIGHT = 1e-6


class DrawnTokens(NamedTuple):
    """How the tokens of B replies were drawn, padded on the right to T tokens, [B, T].

    Attributes:
        logprobs: by the engine that sampled, at the temperature of each token.
        temperatures: of each token; 0 where it is unknown and in the padding.
    """

    logprobs: Tensor
    temperatures: Tensor

    @classmethod
    def of(cls, replies: Sequence[Reply], device: torch.device) -> DrawnTokens:
        """How the tokens of replies were drawn."""
        import torch

        longest = max(len(reply.tokens) for reply in replies)
        logprobs, temperatures = torch.zeros(2, len(replies), longest)
        for row, reply in enumerate(replies):
            size = len(reply.temperatures)
            logprobs[row, :size] = torch.tensor(reply.token_logprobs)
            temperatures[row, :size] = torch.tensor(reply.temperatures)
        return cls(logprobs.to(device), temperatures.to(device))


def importance_weights(
    logprobs: Tensor, drawn: DrawnTokens, temperature: float, counted: Tensor, limit: float
) -> tuple[Tensor, dict[str, float]]:
    """The weight of each token in the policy loss, [B, T], and figures to record.

    Tokens that were drawn at another temperature have weight 1: the policy learns from them as
    they are, whichever engine drew them.

    Args:
        logprobs: by the policy before the update, at `temperature`, [B, T].
        counted: 1.0 at the tokens that are trained, [B, T].
        limit: the largest weight (C).

    Returns:
        The weights, and two figures: `rollout_gap`, the mean absolute difference of the
        log-probabilities in nats, and `truncated_weights`, the share of weights above the limit.
        Both figures are absent if no token was drawn at `temperature`.
    """
    compared = counted * (drawn.temperatures == temperature)
    differences = (logprobs - drawn.logprobs) * compared
    ratios = differences.exp()
    weights = ratios.clamp(SMALLEST_WEIGHT, limit)
    count = float(compared.sum())
    if not count:
        return weights, {}
    figures = {
        "rollout_gap": float(differences.abs().sum()) / count,
        "truncated_weights": float((ratios > limit).sum()) / count,
    }
    return weights, figures
