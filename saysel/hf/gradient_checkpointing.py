"""Gradient checkpointing: layers recompute their activations instead of keeping them."""

from __future__ import annotations

from typing import Any


def checkpoint_layers(model: Any) -> None:
    """Let each layer keep only its input while the model is in training mode (arXiv 1604.06174).

    The backward pass recomputes everything else, which takes about a third more time. Models
    that do not support it are left as they are.
    """
    if not getattr(model, "supports_gradient_checkpointing", False):
        return
    # transformers before 5.20 knows only the second name.
    enable = getattr(model, "activation_checkpointing_enable", None)
    (enable or model.gradient_checkpointing_enable)({"use_reentrant": False})


def checkpoints_layers(model: Any) -> bool:
    """Whether the model recomputes activations now, and therefore keeps no cache."""
    from peft import PeftModel

    inner = model.get_base_model() if isinstance(model, PeftModel) else model
    names = ("is_activation_checkpointing", "is_gradient_checkpointing")  # the second: before 5.20
    name = next((name for name in names if hasattr(type(inner), name)), None)
    return bool(model.training and name and getattr(inner, name))


def disable_dropout(model: Any) -> None:
    """Make a model compute the same in training mode as in evaluation mode.

    Its configuration, and that of its adapters, keep the dropout.
    """
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        # Attention and some older architectures keep their dropout as a number.
        for name, value in vars(module).items():
            if "drop" in name and isinstance(value, float):
                setattr(module, name, 0.0)
