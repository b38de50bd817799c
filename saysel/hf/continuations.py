"""Texts that a model has read, and what it computes after each when they continue.

The cache of keys and values of the first pass serves every continuation, and gradients flow back
through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saysel.hf.gradient_checkpointing import checkpoints_layers
from saysel.hf.hidden_states import last_hidden_states, logits, states_of
from saysel.hf.shared_prefix import attention_window, can_be_copied

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ReadTexts:
    """What a model keeps of texts that it has read.

    Attributes:
        states: the last hidden states, [B, K, H], without columns in which all rows are padded.
        mask: 1 at the tokens, [B, K].
        cache: keys and values of all positions; `None` if this model cannot continue from it.
    """

    states: Tensor
    mask: Tensor
    cache: Any


def read_texts(model: Any, ids: Tensor, mask: Tensor, room: int) -> ReadTexts:
    """Read texts, and keep the cache if the model can continue from it.

    It cannot if it has recurrent layers, if its attention is limited to fewer positions, or while
    its layers are checkpointed.

    Args:
        model: a causal LM, or a PEFT model around one.
        ids, mask: token ids with any padding and 1 at the tokens, [B, L].
        room: tokens of the longest continuation; 0 if there will be none.
    """
    first = int(mask.any(0).int().argmax())
    ids, mask = ids[:, first:], mask[:, first:]
    fits = attention_window(model) > ids.shape[1] + room
    use_cache = room > 0 and fits and not checkpoints_layers(model)
    states, output = states_of(
        model,
        input_ids=ids,
        attention_mask=mask,
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
        use_cache=use_cache,
    )
    cache = getattr(output, "past_key_values", None) if use_cache else None
    return ReadTexts(states, mask, cache if can_be_copied(cache) else None)


def continued(model: Any, texts: ReadTexts, seen: Tensor, tokens: Sequence[int]) -> Tensor:
    """The last hidden state after each text and some more tokens, [B, H].

    Args:
        model: that has read the texts and kept its cache.
        seen: 1 at the positions of the texts that are continued; the others count as unread,
            [B, K].
        tokens: the same tokens for all texts.
    """
    import torch

    size = len(tokens)
    states, _ = states_of(
        model,
        input_ids=torch.tensor([tokens] * len(seen), device=seen.device),
        attention_mask=torch.nn.functional.pad(seen, (0, size), value=1),  # [B, K + size]
        position_ids=seen.sum(-1, keepdim=True) + torch.arange(size, device=seen.device),
        past_key_values=_growing_copy(texts.cache),
        use_cache=True,
    )
    return states[:, -1]


def logprobs_after(
    model: Any, ids: Tensor, mask: Tensor, continuations: Sequence[Sequence[int]]
) -> list[Tensor]:
    """Log-probabilities of the token after each text and each continuation of it, in nats.

    The texts are read once if the model can continue from its cache, otherwise once for each.

    Args:
        model: a causal LM, or a PEFT model around one.
        ids, mask: token ids padded on the left and 1 at the tokens, [B, L].
        continuations: K sequences of tokens, which may be empty.

    Returns:
        K times [B, V].
    """
    import torch

    texts = read_texts(model, ids, mask, room=max(map(len, continuations)))

    def states_after(tokens: Sequence[int]) -> Tensor:
        if not tokens:
            return texts.states[:, -1]
        if texts.cache is not None:
            return continued(model, texts, texts.mask, tokens)
        more = torch.tensor([tokens] * len(ids), device=ids.device)
        return last_hidden_states(
            model, torch.cat([ids, more], -1), torch.cat([mask, torch.ones_like(more)], -1)
        )[:, -1]

    return [logits(model, states_after(tokens)).log_softmax(-1) for tokens in continuations]


def _growing_copy(cache: Any) -> Any:
    """A cache that grows without changing this one; they share keys and values."""
    grown = copy(cache)
    grown.layers = [copy(layer) for layer in cache.layers]
    return grown
