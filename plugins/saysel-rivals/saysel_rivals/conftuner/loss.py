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
    branches = []
    for branch in tokens.branches:
        ids, mask = hf.pad_left(
            [[*text, *branch] for text in texts], tokenizer.pad_token_id, lm.device
        )
        with hf.autocast(lm):
            logits = lm(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
                use_cache=False,
                logits_to_keep=1,
            ).logits
        branches.append(logits[:, -1].float().log_softmax(-1))
    return tokens.logprobs(branches)
