"""Attention of one new token to those before it, on CPUs in half precision.

Torch's own is slow there: for 160 rows with 400 tokens each, a layer of SmolLM2-135M takes 75 ms in
bfloat16 with one thread, and the two matrix products below take 10 (torch 2.13). In float32 and for
several new tokens, torch's is as fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

#: Under which transformers knows it.
NAME = "saysel_single_token"
#: Arguments that change what a model attends to, which only torch's attention is given.
OTHER_ARGUMENTS = ("position_bias", "head_mask", "softcap", "cache")


def use_in(model: Any) -> None:
    """Let a model attend this way if torch's attention would be slow; its weights stay as they are.

    Args:
        model: a `PreTrainedModel`, or a PEFT model around one, on its device.
    """
    if not (
        model.device.type == "cpu"
        and model.dtype.itemsize == 2
        and model.config._attn_implementation == "sdpa"
    ):
        return
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(NAME, attend)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.set_attn_implementation(NAME)


def attend(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """An attention function of transformers.

    Args:
        query: of H heads, [B, H, T, D].
        key, value: of K heads, each of which serves H / K of the query's, [B, K, L, D].
        attention_mask: true where a token is seen, or what is added to its score, [B, 1, T, >= L].

    Returns:
        The values, weighted, [B, T, H, D].
    """
    import torch

    half_precision = query.dtype.itemsize == 2
    given = any(options.get(name) is not None for name in OTHER_ARGUMENTS)
    if query.shape[2] > 1 or not half_precision or torch.is_grad_enabled() or given:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        attended: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **options
        )
        return attended
    rows, heads, _, width = query.shape
    groups, seen = key.shape[1:3]
    scale = width**-0.5 if scaling is None else scaling
    grouped = query.reshape(rows, groups, heads // groups, width)
    scores = (grouped @ with_room(key).transpose(2, 3))[..., :seen].float() * scale
    if attention_mask is not None:
        mask = attention_mask[..., :seen]
        if mask.dtype == torch.bool:
            scores = scores.masked_fill(~mask, -torch.inf)
        else:
            scores = scores + mask
    weights = scores.softmax(-1).to(value.dtype)  # [B, K, H / K, L]
    value = with_room(value)  # [B, K, R, D]
    weights = torch.nn.functional.pad(weights, (0, value.shape[2] - seen))
    return (weights @ value).reshape(rows, 1, heads, width), None


def with_room(states: Tensor) -> Tensor:
    """Keys or values and the room after them, see `growing_cache`, [B, K, R, D].

    Torch copies a batch of matrices with gaps before it multiplies them. Without room, the states
    themselves.
    """
    rows, groups, seen, width = states.shape
    room = states.stride(1) // width
    strides = (groups * room * width, room * width, width, 1)
    if states.storage_offset() or states.stride() != strides or room < seen:
        return states
    return states.as_strided((rows, groups, room, width), strides)
