"""Float32 master weights: training holds the weights it changes in float32.

bfloat16 has 8 significant bits. Near 0.05 its numbers are 0.0002 apart, so an AdamW step of 1e-5
is always rounded away. Float32 weights accumulate such steps; the model gets its own dtype back
when it is saved.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Generator, Tensor, dtype


def to_float32(model: Any) -> None:
    """Convert the trainable half-precision weights of a model to float32; values do not change."""
    import torch

    for weight in model.parameters():
        if weight.requires_grad and weight.dtype in (torch.float16, torch.bfloat16):
            weight.model_dtype = weight.dtype
            weight.data = weight.data.float()


def to_model_dtype(model: Any) -> None:
    """Convert the weights that `to_float32` changed back to their own dtype, for saving.

    Rounding to the nearest number would undo every change of less than half the distance between
    two numbers, because all weights started at such numbers. Rounding is therefore stochastic,
    with a fixed seed.
    """
    import torch

    generators: dict[Any, Generator] = {}
    for weight in model.parameters():
        if hasattr(weight, "model_dtype"):
            device = weight.device
            if device not in generators:
                generators[device] = torch.Generator(device).manual_seed(0)
            weight.data = round_stochastically(weight.data, weight.model_dtype, generators[device])


def round_stochastically(values: Tensor, to: dtype, generator: Generator) -> Tensor:
    """Float32 values in float16 or bfloat16, rounded stochastically (arXiv 1502.02551, section 3).

    A value between two numbers of the type becomes one of them, with probabilities that preserve
    its expectation; a number of the type does not change. Values too small for float16's full
    precision are rounded to the nearest number.
    """
    import torch

    dropped = 16 if to == torch.bfloat16 else 13  # bits of the mantissa
    noise = torch.randint(
        1 << dropped, values.shape, generator=generator, device=values.device, dtype=torch.int32
    )
    bits = (values.view(torch.int32) + noise) & -(1 << dropped)
    return bits.view(torch.float32).to(to)


def autocast(model: Any) -> AbstractContextManager[Any]:
    """bfloat16 arithmetic for a model with master weights, on an accelerator.

    There it is several times faster than float32. On a CPU it usually is not, so float32 is kept.
    """
    import torch

    device = model.device.type
    enabled = device != "cpu" and any(hasattr(one, "model_dtype") for one in model.parameters())
    return torch.autocast(device, torch.bfloat16, enabled=enabled)
