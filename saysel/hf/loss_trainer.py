"""A transformers Trainer with a loss that is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from saysel.hf.loading import silence_libraries
from saysel.hf.trainer_arguments import trl_config

Row = TypeVar("Row")
#: The tensor that weights the loss of a pass.
PASS_WEIGHT = "pass_weight"


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
        loss: of the model and these tensors, a mean over the rows. Passes are weighted by their
            number of rows.
        arguments: see `training_arguments`.
        options: of the Trainer: model, tokenizer, callbacks.
    """
    silence_libraries()
    import torch
    from transformers import Trainer, TrainingArguments

    def counted(part: Sequence[Row]) -> dict[str, Any]:
        return {**collate(part), PASS_WEIGHT: torch.tensor(float(len(part)))}

    class LossTrainer(Trainer):  # type: ignore[misc]
        def get_batch_samples(self, *args: Any, **options: Any) -> Any:
            # The Trainer averages passes equally, but the last one of an epoch may have fewer rows.
            passes, items = super().get_batch_samples(*args, **options)
            rows = sum(one[PASS_WEIGHT] for one in passes)
            for one in passes:
                one[PASS_WEIGHT] = one[PASS_WEIGHT] * len(passes) / rows
            return passes, items

        def compute_loss(self, model: Any, inputs: Any, *_: Any, **__: Any) -> Any:
            weight = inputs.pop(PASS_WEIGHT)
            return weight * loss(model, inputs)

    trainer = LossTrainer(
        args=trl_config(TrainingArguments, **arguments),
        train_dataset=list(rows),
        data_collator=counted,
        **options,
    )
    # The Trainer has to average the means of accumulated passes.
    trainer.model_accepts_loss_kwargs = False
    return trainer
