"""Float32 master weights: training holds what it changes in float32.

bfloat16 keeps 8 significant bits. Next to a weight of 0.05 its numbers are 0.0002 apart, so an
AdamW step of 1e-5 rounds away, every time. Float32 weights accumulate such steps; the model gets
its own dtype back when it is saved.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any


def to_float32(model: Any) -> None:
    """Hold the trainable half-precision weights of a model in float32, to the same values."""
    import torch

    for weight in model.parameters():
        if weight.requires_grad and weight.dtype in (torch.float16, torch.bfloat16):
            weight.model_dtype = weight.dtype
            weight.data = weight.data.float()


def to_model_dtype(model: Any) -> None:
    """Give the weights that `to_float32` changed their own dtype again, to be saved."""
    for weight in model.parameters():
        if hasattr(weight, "model_dtype"):
            weight.data = weight.data.to(weight.model_dtype)


def autocast(model: Any) -> AbstractContextManager[Any]:
    """bfloat16 arithmetic for a model with master weights, on an accelerator.

    There it is several times faster than float32. On a CPU it usually is not, and float32 is
    more exact.
    """
    import torch

    masters = any(hasattr(weight, "model_dtype") for weight in model.parameters())
    return torch.autocast(
        model.device.type, torch.bfloat16, enabled=masters and model.device.type != "cpu"
    )
