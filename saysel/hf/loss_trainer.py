"""A transformers Trainer with a loss that is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from saysel.hf.loading import silence_libraries
from saysel.hf.trainer_arguments import trl_config

Row = TypeVar("Row")


def loss_trainer(
    rows: Sequence[Row],
    collate: Callable[[Sequence[Row]], dict[str, Any]],
    loss: Callable[[Any, dict[str, Any]], Any],
    arguments: Mapping[str, Any],
    **options: Any,
) -> Any:
    """A transformers Trainer on rows of any kind, to be run by `fit`.

    Args:
        rows: what is learned from.
        collate: the tensors of some rows.
        loss: of the model and these tensors, a mean over the rows.
        arguments: see `training_arguments`.
        options: of the Trainer: model, tokenizer, callbacks.
    """
    silence_libraries()
    from transformers import Trainer, TrainingArguments

    class LossTrainer(Trainer):  # type: ignore[misc]
        def compute_loss(self, model: Any, inputs: Any, *_: Any, **__: Any) -> Any:
            return loss(model, inputs)

    trainer = LossTrainer(
        args=trl_config(TrainingArguments, **arguments),
        train_dataset=list(rows),
        data_collator=collate,
        **options,
    )
    # The Trainer has to average the means of accumulated passes.
    trainer.model_accepts_loss_kwargs = False
    return trainer
