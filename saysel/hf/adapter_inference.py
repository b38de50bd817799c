"""LoRA layers that take few small operations while a model generates.

A decoding step with a small batch takes as long as the launching of its operations. Next to each
linear layer, PEFT converts the input, applies a dropout and two linear layers, scales, adds and
converts back. Without gradients two matrix products are enough: `base(x) + (x A^T) (s B^T)`, with
the second added in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from saysel.hf import processes

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def short_adapters(model: Any) -> Iterator[None]:
    """Inside this block, the active LoRA adapter of a model takes fewer operations.

    For generation, without gradients, and within autocast if there is any. Weights must not change
    in the block. Results differ from PEFT's by rounding only. Layers that are not plain, see
    `plain_adapter`, and models sharded over processes are left as they are.
    """
    layers: list[Any] = []
    try:
        for layer in [] if processes.sharded() else _lora_layers(model):
            adapter = plain_adapter(layer)
            if adapter is not None:
                layers.append(layer)
                layer.forward = _forward(layer, adapter, model.device.type)
        yield
    finally:
        for layer in layers:
            vars(layer).pop("forward", None)


def _lora_layers(model: Any) -> list[Any]:
    """The LoRA layers of a model around linear ones; none without PEFT."""
    if not hasattr(model, "peft_config"):
        return []
    from peft.tuners.lora.layer import Linear

    return [module for module in model.modules() if type(module) is Linear]


def plain_adapter(layer: Any) -> str | None:
    """The name of the only adapter that a LoRA layer applies; `None` if it is not plain.

    Plain layers add `s B A x` to the output of a linear layer that is not quantized: no variant
    such as DoRA, no bias, no dropout. Merged and disabled adapters, and layers with a replaced
    forward pass, such as offloaded ones, are not plain.
    """
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    names: list[str] = [name for name in layer.active_adapters if name in layer.lora_A]
    if len(names) != 1 or layer.disable_adapters or layer.merged:
        return None
    name = names[0]
    down, up, dropout = layer.lora_A[name], layer.lora_B[name], layer.lora_dropout[name]
    replaced = any("forward" in vars(module) for module in (layer, down, up))
    # peft 0.15 knows DoRA only, later versions have a class for each variant.
    variant = layer.use_dora.get(name) or name in getattr(layer, "lora_variant", {})
    linear = type(layer.base_layer) in (Linear, Conv1D) and type(down) is type(up) is Linear
    dropped = dropout.training and getattr(dropout, "p", 0.0) > 0
    if replaced or variant or dropped or not linear or up.bias is not None:
        return None
    return name


def _forward(layer: Any, name: str, device: str) -> Callable[[Tensor], Tensor]:
    """The forward pass of a plain layer.

    Products are in the type of the adapter or, as PEFT's, in that of autocast.
    """
    import torch

    base = layer.base_layer
    dtype = layer.lora_A[name].weight.dtype
    if torch.is_autocast_enabled(device):
        dtype = torch.get_autocast_dtype(device)
    down = layer.lora_A[name].weight.t().to(dtype)  # [in, r]
    up = (layer.lora_B[name].weight * layer.scaling[name]).t().to(dtype)  # [r, out]

    def forward(x: Tensor) -> Tensor:
        result: Tensor = base(x)
        rows = result.view(-1, result.shape[-1])  # [B * T, out], the same memory
        inner = torch.mm(x.reshape(-1, x.shape[-1]).to(dtype), down)  # [B * T, r]
        if result.dtype == dtype:
            rows.addmm_(inner, up)
        else:  # the sum is computed in the larger type and rounded once
            rows.add_(torch.mm(inner, up))
        return result

    return forward
