"""Calibration-Tuning (Kapoor et al., arXiv 2406.08391): the model grades its own answers.

For a reply of the model with correctness y, and the probability p that it gives to "yes, correct",

    loss = -(y log p + (1 - y) log(1 - p)) + kappa JSD(policy, initial model)

with the Jensen-Shannon divergence averaged over the tokens of each reply, so that the answers stay
as they are.

Deviations: the paper asks a second question and reads p from the tokens "Yes" and "No". Here p is
the expected value of the confidence after the marker, so that replies state it in the recipe's
format; p is the sum of all confidences times their probability, given that one of them is stated.
The released code sums the divergence over the tokens of an answer; the mean gives long replies the
same weight as short ones. Each question is answered once, before training, with the decoding of
the evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from saysel import hf
from saysel.interfaces import TrainingData
from saysel.records import ModelRef
from saysel.trainers.lora import new_adapter
from saysel_rivals.conftuner.own_replies import (
    OwnReply,
    examples_as_replies,
    no_replies,
    own_replies,
)
from saysel_rivals.tuning import Tuning

if TYPE_CHECKING:
    from torch import Tensor


class CalibrationTuningTrainer(Tuning):
    """Teach the confidence to say whether the model's own answer is right; answers are held."""

    version: ClassVar[int] = 2
    uses_eval_temperature: ClassVar[bool] = True

    kappa: float = Field(1.0, ge=0, description="weight of the divergence from the initial model")
    max_tokens: int = Field(150, ge=1, description="maximum tokens of a reply")
    top_k: int = Field(50, ge=0, description="sample from the k most likely tokens; 0: from all")
    questions: str = Field("train", description="split whose questions are answered")

    def splits(self) -> tuple[str, ...]:
        return (self.questions,)

    def max_judge_calls(self, questions: int, samples: int) -> int:
        return questions

    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        """See the interface.

        Raises:
            StageError: no reply can be used, or several updates in a row were not finite.
        """
        import torch

        torch.manual_seed(data.seed)  # initialises a new adapter
        tokenizer = hf.load_tokenizer(model)
        lm = hf.load_trainable(model, new_adapter(self.lora, model))
        tokens = hf.ConfidenceTokens(data.format, tokenizer, hf.end_tokens(lm, tokenizer))
        replies = self._replies(lm.eval(), tokenizer, data, directory)
        reference = hf.load_model(model)

        def collate(rows: Sequence[OwnReply]) -> dict[str, Tensor]:
            return reply_tensors(rows, tokens, tokenizer.pad_token_id)

        def loss(policy: Any, inputs: dict[str, Tensor]) -> Tensor:
            return tuning_loss(policy, reference, inputs, tokens, self.kappa)

        return self.fit(
            "calibration_tuning", lm.train(), replies, collate, loss, model, data, directory
        )

    def _replies(
        self, lm: Any, tokenizer: Any, data: TrainingData, directory: Path
    ) -> list[OwnReply]:
        decoding = hf.Decoding(
            temperature=data.temperature,
            max_tokens=self.max_tokens,
            top_k=self.top_k,
        )
        questions = data.questions(self.questions)
        replies, left_out = own_replies(
            lm, tokenizer, data, questions, decoding, directory / "checkpoints"
        )
        hf.release()  # a judge that is a model in this process is not needed any more
        if not replies and self._smoke:
            replies = examples_as_replies(tokenizer, data)
        if not replies:
            raise no_replies("calibration_tuning", left_out, data.format.confidence_marker)
        data.log(step=0, replies=len(replies), **left_out)
        return replies


def reply_tensors(
    rows: Sequence[OwnReply], tokens: hf.ConfidenceTokens, pad: int
) -> dict[str, Tensor]:
    """What `tuning_loss` reads of B replies: their L tokens up to the marker, and correctness."""
    import torch

    cpu = torch.device("cpu")
    contexts = [row.tokens for row in rows]
    ids, mask = hf.pad_left(contexts, pad, cpu)
    answer, _ = hf.pad_left(
        [[0] * row.prompt + [1] * (len(row.tokens) - row.prompt) for row in rows], 0, cpu
    )
    return {
        **hf.at_branches(contexts, tokens, pad),
        "context_ids": ids,
        "context_mask": mask,
        "answer": answer,
        "correct": torch.tensor([row.correct for row in rows]),
    }


def tuning_loss(
    policy: Any,
    reference: Any,
    inputs: dict[str, Tensor],
    tokens: hf.ConfidenceTokens,
    kappa: float,
) -> Tensor:
    """The loss of the module's docstring; the mean over replies.

    Args:
        reference: the initial model.
        inputs: from `reply_tensors`.
    """
    import torch

    logprobs = hf.stated_logprobs(policy, inputs, tokens)  # [B, C]
    graded = grading_loss(logprobs, torch.tensor(tokens.values), inputs["correct"])
    if not kappa:
        return graded
    with torch.no_grad():
        fixed = next_logprobs(reference, inputs)
    answer = inputs["answer"][:, 1:].float()  # [B, L - 1]
    return graded + kappa * jsd(next_logprobs(policy, inputs), fixed, answer)


def grading_loss(logprobs: Tensor, values: Tensor, correct: Tensor) -> Tensor:
    """-(y log p + (1 - y) log(1 - p)) with p the expected confidence; the mean over replies.

    p is clipped to [0.0001, 0.9999].

    Args:
        logprobs: of each confidence, [B, C].
        values: the confidences, in [0, 1], [C].
        correct: y, in [0, 1], [B].
    """
    import torch

    p = (logprobs.softmax(-1) @ values.to(logprobs.device)).clamp(1e-4, 1 - 1e-4)
    return torch.nn.functional.binary_cross_entropy(p, correct)


def jsd(logprobs: Tensor, reference: Tensor, counted: Tensor) -> Tensor:
    """Jensen-Shannon divergence of next-token distributions, in nats.

    The mean over replies of the mean over their counted tokens; 0 for a reply without any.

    Args:
        logprobs, reference: [B, T, V].
        counted: 1.0 at the tokens that count, [B, T].
    """
    import torch

    mean = torch.stack([logprobs, reference]).logsumexp(0) - torch.log(torch.tensor(2.0))
    both = [(one.exp() * (one - mean)).sum(-1) for one in (logprobs, reference)]  # [B, T] each
    sums = ((both[0] + both[1]) / 2 * counted).sum(-1)  # [B]
    return (sums / counted.sum(-1).clamp(min=1)).mean()


def next_logprobs(lm: Any, inputs: dict[str, Tensor]) -> Tensor:
    """Log-probabilities of every token of the contexts but the first, [B, L - 1, V]."""
    mask = inputs["context_mask"]
    logits = lm(
        input_ids=inputs["context_ids"],
        attention_mask=mask,
        position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
        use_cache=False,
    ).logits
    logprobs: Tensor = logits[:, :-1].float().log_softmax(-1)
    return logprobs
