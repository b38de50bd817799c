"""The option `lora` of trainers, and the default learning rate that goes with it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from saysel.records import ModelRef


class Lora(BaseModel):
    """Low-rank adapters (arXiv 2106.09685) on every linear layer."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    r: int = Field(64, ge=1, description="rank")
    alpha: float = Field(16, gt=0, description="scale of the update, divided by the rank")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout before the adapter")

    def config(self) -> Any:
        """These settings as a PEFT configuration."""
        from peft import LoraConfig

        return LoraConfig(
            r=self.r,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )


def new_adapter(lora: Lora | None, model: ModelRef) -> Any:
    """PEFT configuration of the adapter to add; `None` if the model has one or none is wanted."""
    return lora.config() if lora is not None and model.adapter is None else None


def learning_rate(chosen: float | None, adapter_rate: float, model: Any) -> float:
    """The learning rate of the recipe, or the default for what is trained.

    The default for all weights is a tenth of that for an adapter: the best rate of LoRA is about
    ten times that of full fine-tuning, nearly independent of model and task (Schulman et al.,
    "LoRA Without Regret", Thinking Machines Lab 2025).

    Args:
        chosen: the rate in the recipe; `None` for the default.
        adapter_rate: the trainer's default for an adapter.
        model: as returned by `saysel.hf.load_trainable`.
    """
    from peft import PeftModel

    if chosen is not None:
        return chosen
    return adapter_rate if isinstance(model, PeftModel) else adapter_rate / 10


__all__ = ["Lora", "learning_rate", "new_adapter"]
