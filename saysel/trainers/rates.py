"""Learning rates for what is trained."""

from __future__ import annotations

from typing import Any


def learning_rate(chosen: float | None, for_adapter: float, model: Any) -> float:
    """The rate that was chosen, or the default for an adapter or for all weights.

    All weights take a tenth of an adapter's rate: the best rate of LoRA is about ten times that
    of full fine-tuning, nearly independent of model and task (Schulman et al., "LoRA Without
    Regret", Thinking Machines Lab 2025).

    Args:
        chosen: the recipe's, if it names one.
        for_adapter: the trainer's default for an adapter.
        model: as `saysel.hf.load_trainable` gives it.
    """
    from peft import PeftModel

    if chosen is not None:
        return chosen
    return for_adapter if isinstance(model, PeftModel) else for_adapter / 10
