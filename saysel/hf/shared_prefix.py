"""The beginning that several texts have in common, which a model needs to read only once.

The model's cache of keys and values then continues it in each text.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

#: A shorter beginning is not worth an extra forward pass.
MIN_TOKENS = 64


def shared_prefix(model: Any, texts: Sequence[Sequence[int]], length: int) -> list[int]:
    """The tokens with which all texts begin, but no whole text; none if they are too few.

    Texts that continue the same prefix are padded after it. A layer whose attention is limited to
    a window of positions would count that padding, so such models share nothing.

    Args:
        texts: token ids.
        length: number of tokens, padding included, that the model will see at most.
    """
    if len(texts) < 2 or attention_window(model) < length:
        return []
    # The lexicographically first and last text differ no later than any two others.
    ordered = sorted(list(text) for text in texts)
    pairs = zip(ordered[0], ordered[-1], strict=False)
    prefix = [token for token, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    prefix = prefix[: min(map(len, texts)) - 1]
    return prefix if len(prefix) >= MIN_TOKENS else []


def read_prefix(model: Any, prefix: Sequence[int], copies: int) -> Any:
    """The cache of a text (token ids), copied for several rows; `None` if it cannot be copied."""
    import torch

    out = model(
        input_ids=torch.tensor([prefix], device=model.device), use_cache=True, logits_to_keep=1
    )
    cache: Any = getattr(out, "past_key_values", None)
    if not can_be_copied(cache):
        return None
    cache.batch_repeat_interleave(copies)
    return cache


def can_be_copied(cache: Any) -> bool:
    """Whether a cache holds only keys and values, and no states of recurrent layers."""
    from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

    copyable = (DynamicLayer, DynamicSlidingWindowLayer)
    return isinstance(cache, DynamicCache) and all(
        type(layer) in copyable for layer in cache.layers
    )


def attention_window(model: Any) -> float:
    """The smallest number of positions to which a layer limits its attention."""
    config = model.config.get_text_config()
    limits = (getattr(config, name, None) for name in ("sliding_window", "attention_chunk_size"))
    return min((limit for limit in limits if limit), default=float("inf"))
