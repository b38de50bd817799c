"""Fine-tuning on a distribution over the confidences instead of a single one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.continuations import logprobs_after
from saysel.hf.loading import silence_libraries
from saysel.hf.logprobs import pad_left
from saysel.hf.training import trl_config

if TYPE_CHECKING:
    from torch import Tensor


class ConfidenceExample(NamedTuple):
    """What a confidence is learned from.

    Attributes:
        context: token ids of the prompt and of the reply, up to and including the marker.
        confidence: to learn, in [0, 1].
    """

    context: list[int]
    confidence: float


def soft_targets(confidences: Tensor, values: Tensor, width: float) -> Tensor:
    """The probability with which each confidence should be stated, [B, C].

    q(c) is proportional to exp(-(c - t)^2 / (2 width^2)) for the confidence t to learn.

    Args:
        confidences: t, in [0, 1], [B].
        values: the confidences that can be stated, in [0, 1], [C].
    """
    squares = ((values - confidences[:, None]) / width) ** 2
    return (-squares / 2).softmax(-1)


def soft_confidence_trainer(
    examples: Sequence[ConfidenceExample],
    tokenizer: Any,
    tokens: ConfidenceTokens,
    width: float,
    arguments: Mapping[str, Any],
    **options: Any,
) -> Any:
    """A transformers Trainer whose loss is the cross-entropy of the stated confidence.

        loss = - mean_b sum_c q_b(c) log pi(c | context_b)

    with q from `soft_targets` and pi(c | context) the probability of all tokens that state c.

    Args:
        width: of the targets.
        arguments: see `saysel.hf.training.training_arguments`.
        options: of the Trainer: model, tokenizer, callbacks.
    """
    silence_libraries()
    import torch
    from transformers import Trainer, TrainingArguments

    def collate(rows: Sequence[ConfidenceExample]) -> dict[str, Tensor]:
        """The contexts, [B, L], and the targets, [B, C]."""
        ids, mask = pad_left(
            [row.context for row in rows], tokenizer.pad_token_id, torch.device("cpu")
        )
        confidences = torch.tensor([row.confidence for row in rows])
        targets = soft_targets(confidences, torch.tensor(tokens.values), width)
        return {"ids": ids, "mask": mask, "targets": targets}

    class SoftConfidenceTrainer(Trainer):  # type: ignore[misc]
        def compute_loss(self, model: Any, inputs: Any, *_: Any, **__: Any) -> Any:
            branches = logprobs_after(model, inputs["ids"], inputs["mask"], tokens.branches)
            return -(inputs["targets"] * tokens.logprobs(branches)).sum(-1).mean()

    trainer = SoftConfidenceTrainer(
        args=trl_config(TrainingArguments, **arguments),
        train_dataset=list(examples),
        data_collator=collate,
        **options,
    )
    # The loss is a mean over rows, so the Trainer has to average it over accumulated passes.
    trainer.model_accepts_loss_kwargs = False
    return trainer
