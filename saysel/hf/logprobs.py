"""Log-probabilities of given texts under a causal LM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from saysel.hf import master_weights, model_faults

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def reply_logprobs(
    model: Any, tokenizer: Any, prompts: Sequence[Sequence[int]], replies: Sequence[Sequence[int]]
) -> list[list[float]]:
    """Log-probability of each token of a given reply to each prompt, in nats.

    One forward pass over all of them, padded on the left.

    Args:
        prompts, replies: token ids.
    """
    import torch

    longest = max(map(len, replies))
    if not longest:
        return [[] for _ in replies]
    texts = [[*prompt, *reply] for prompt, reply in zip(prompts, replies, strict=True)]
    with master_weights.autocast(model), torch.inference_mode():
        tokens, logits = _read(model, tokenizer, texts, longest + 1)
        logits = logits[:, :-1]  # [B, longest, V]
        rows = logits.float().log_softmax(-1).gather(2, tokens[:, -longest:, None])[..., 0].tolist()
    return [row[longest - len(reply) :] for row, reply in zip(rows, replies, strict=True)]


def next_token_logprobs(model: Any, tokenizer: Any, texts: Sequence[Sequence[int]]) -> Tensor:
    """Log-probabilities of the token that follows each text (token ids), in nats, [B, V]."""
    import torch

    with torch.inference_mode():
        logits = _read(model, tokenizer, texts, 1)[1]
        return logits[:, -1].float().log_softmax(-1)


def _read(
    model: Any, tokenizer: Any, texts: Sequence[Sequence[int]], positions: int
) -> tuple[Tensor, Tensor]:
    """One forward pass over texts padded on the left.

    Returns:
        Token ids, [B, L], and the logits of the last `positions` positions, [B, positions, V].
    """
    tokens, mask = pad_left(texts, tokenizer.pad_token_id, model.device)
    model_faults.check_length(model, tokens.shape[1], 0)
    logits = model(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
        use_cache=False,
        logits_to_keep=positions,
    ).logits
    return tokens, logits


def pad_left(
    texts: Sequence[Sequence[int]], pad: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Token ids padded on the left, and a mask that is 1 at their tokens, both [B, L]."""
    import torch

    longest = max(map(len, texts))
    tokens = [[pad] * (longest - len(ids)) + list(ids) for ids in texts]
    mask = [[0] * (longest - len(ids)) + [1] * len(ids) for ids in texts]
    return torch.tensor(tokens, device=device), torch.tensor(mask, device=device)
