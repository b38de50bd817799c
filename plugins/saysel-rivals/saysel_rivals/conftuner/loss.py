"""The tokenized Brier score (arXiv 2508.18847)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from saysel import hf

if TYPE_CHECKING:
    from torch import Tensor


def tokenized_brier(logprobs: Tensor, values: Tensor, correct: Tensor) -> Tensor:
    """sum_i q_i (y - c_i)^2 with q the softmax over the confidences; the mean over replies.

    Args:
        logprobs: of each confidence, [B, C]; the probability of anything else does not matter.
        values: the confidences, in [0, 1], [C].
        correct: of each reply, in [0, 1], [B].
    """
    errors = (correct[:, None] - values) ** 2  # [B, C]
    return (logprobs.softmax(-1) * errors).sum(-1).mean()


def confidence_logprobs(
    lm: Any, tokenizer: Any, tokens: hf.ConfidenceTokens, texts: Sequence[Sequence[int]]
) -> Tensor:
    """Log-probability of every confidence after each text (token ids), [B, C], in nats."""
    ids, mask = hf.pad_left(texts, tokenizer.pad_token_id, lm.device)
    with hf.autocast(lm):
        return tokens.logprobs(hf.logprobs_after(lm, ids, mask, tokens.branches))
