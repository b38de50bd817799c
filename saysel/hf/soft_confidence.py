"""Fine-tuning on a distribution over the confidences instead of a single one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.logprobs import pad_left
from saysel.hf.loss_trainer import loss_trainer

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
        arguments: see `saysel.hf.training_arguments`.
        options: of the Trainer: model, tokenizer, callbacks.
    """
    import torch

    def collate(rows: Sequence[ConfidenceExample]) -> dict[str, Tensor]:
        """The rows at every branch, and the targets, [B, C]."""
        confidences = torch.tensor([row.confidence for row in rows])
        targets = soft_targets(confidences, torch.tensor(tokens.values), width)
        contexts = [row.context for row in rows]
        return {**at_branches(contexts, tokens, tokenizer.pad_token_id), "targets": targets}

    def loss(model: Any, inputs: dict[str, Tensor]) -> Tensor:
        logprobs = stated_logprobs(model, inputs, tokens)  # [B, C]
        return -(inputs["targets"] * logprobs).sum(-1).mean()

    return loss_trainer(examples, collate, loss, arguments, **options)


def at_branches(
    contexts: Sequence[Sequence[int]], tokens: ConfidenceTokens, pad: int
) -> dict[str, Tensor]:
    """Every context at every branch of the confidences, branch after branch, [K * B, L].

    Args:
        contexts: token ids up to and including the marker.
    """
    import torch

    texts = [[*context, *branch] for branch in tokens.branches for context in contexts]
    ids, mask = pad_left(texts, pad, torch.device("cpu"))
    return {"ids": ids, "mask": mask}


def stated_logprobs(model: Any, inputs: Mapping[str, Tensor], tokens: ConfidenceTokens) -> Tensor:
    """Log-probability of every confidence after each context, with gradients, [B, C], in nats.

    Args:
        inputs: from `at_branches`.
    """
    mask = inputs["mask"]
    logits = model(
        input_ids=inputs["ids"],
        attention_mask=mask,
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
        use_cache=False,
        logits_to_keep=1,
    ).logits[:, -1]  # [K * B, V]
    return tokens.logprobs(logits.float().log_softmax(-1).chunk(len(tokens.branches)))
