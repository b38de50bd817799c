"""ConfTuner: the tokenized Brier score as a loss (arXiv 2508.18847).

For a reply of the model with correctness y, and the probabilities q_i with which the model would
state each confidence c_i after it,

    loss = sum_i q_i (y - c_i)^2

The score is proper: it is smallest if q states the probability of being right. Nothing in it is
sampled, and no reference model is needed.

- q is the softmax over the confidences that the format can state and over nothing else, as in
  the paper. There each confidence is one token; here it may take several ("10", "73%"), and its
  probability is that of the whole sequence.
- Each question is answered once, before training, with the decoding of the evaluation; the
  replies are used in all epochs. A reply without an answer or without a confidence marker is
  counted and left out.
- The loss covers only the confidence, and no term keeps the rest of the reply in place; the paper
  has none either, and relies on a low rate and a small adapter. A very small model with a high
  rate learns its confidence and forgets the format: watch `parse_rate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from saysel import hf
from saysel.interfaces import NotFingerprinted, TrainingData
from saysel.records import ModelRef
from saysel.storage import intact, write_checked
from saysel.trainers.lora import learning_rate, new_adapter
from saysel_rivals.conftuner.loss import confidence_logprobs, tokenized_brier
from saysel_rivals.conftuner.own_replies import (
    OwnReply,
    examples_as_replies,
    no_replies,
    own_replies,
    reply_batch,
)
from saysel_rivals.tuning import ADAPTER_LEARNING_RATE, TuningOptions

if TYPE_CHECKING:
    import torch

#: The norm to which gradients are clipped.
MAX_GRADIENT_NORM = 1.0


class TokenizedBrierTrainer(TuningOptions):
    """Calibrate the confidence after the model's own answers, with the Brier score as a loss."""

    version: ClassVar[int] = 3
    uses_eval_temperature: ClassVar[bool] = True

    epochs: int = Field(3, ge=1, description="passes over the replies")
    max_tokens: int = Field(150, ge=1, description="maximum tokens of a reply")
    top_k: int = Field(50, ge=0, description="sample from the k most likely tokens; 0: from all")
    questions: str = Field("train", description="split whose questions are answered")
    checkpoint_every: NotFingerprinted[int] = Field(
        25, ge=1, description="steps between checkpoints"
    )

    def splits(self) -> tuple[str, ...]:
        return (self.questions,)

    def max_judge_calls(self, questions: int, samples: int) -> int:
        return questions

    def work(self, examples: int) -> tuple[int, str]:
        steps = max(1, self.epochs * -(-examples // self.batch_size))
        return self.max_steps or steps, "steps"

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
        # 1. Answer each question once, and judge the answers.
        checkpoints = directory / "checkpoints"
        questions = data.questions(self.questions)
        decoding = hf.Decoding(
            temperature=data.temperature,
            max_tokens=self.max_tokens,
            top_k=self.top_k,
        )
        replies, left_out = own_replies(
            lm.eval(), tokenizer, data, questions, decoding, checkpoints
        )
        hf.release()  # a judge that is a model in this process is not needed any more
        if not replies and self._smoke:
            replies = examples_as_replies(tokenizer, data)
        if not replies:
            raise no_replies("tokenized_brier", left_out, data.format.confidence_marker)
        # 2. Train the confidence after these answers.
        learner = self._learner(lm.train(), tokenizer, tokens, len(replies))
        checkpoint = checkpoints / "checkpoint.pt"
        if not intact(checkpoint):
            data.log(step=0, replies=len(replies), **left_out)
        self._learn(learner, replies, data, checkpoint)
        return hf.save_trained(lm, tokenizer, model, directory / "model")

    def _learner(
        self, lm: Any, tokenizer: Any, tokens: hf.ConfidenceTokens, replies: int
    ) -> Learner:
        import torch
        from transformers import get_linear_schedule_with_warmup

        steps, _ = self.work(replies)
        weights = [weight for weight in lm.parameters() if weight.requires_grad]
        rate = learning_rate(self.learning_rate, ADAPTER_LEARNING_RATE, lm)
        optimizer = torch.optim.AdamW(weights, lr=rate, weight_decay=0.0)
        schedule = get_linear_schedule_with_warmup(optimizer, round(self.warmup * steps), steps)
        guard = hf.UpdateGuard("tokenized_brier")
        return Learner(
            lm, tokenizer, tokens, weights, optimizer, schedule, guard, self.micro_batch_size
        )

    def _learn(
        self,
        learner: Learner,
        replies: Sequence[OwnReply],
        data: TrainingData,
        checkpoint: Path,
    ) -> None:
        """Update the model, resuming from the checkpoint if there is one."""
        import torch

        steps, unit = self.work(len(replies))
        first = learner.restore(checkpoint)
        data.progress.begin(steps, unit)
        data.progress.advance(first)
        with hf.defer_interrupt() as interruption:
            for step in range(first, steps):
                # Dropout depends only on the step, so a resumed run repeats the step.
                torch.manual_seed(data.seed * 1_000_003 + step)
                batch = reply_batch(replies, self.batch_size, step, data.seed)
                figures = learner.update(batch)
                accuracy = sum(reply.correct for reply in batch) / len(batch)
                data.log(step=step + 1, **figures, accuracy=accuracy)
                data.progress.advance()
                due = (step + 1) % self.checkpoint_every == 0 and step + 1 < steps
                if due or interruption.requested:
                    learner.save(checkpoint, step + 1)
                if interruption.requested:
                    raise KeyboardInterrupt


@dataclass(frozen=True)
class Learner:
    """The model with everything that updates it.

    Attributes:
        weights: the trained weights.
        micro_batch_size: replies per forward pass.
    """

    lm: Any
    tokenizer: Any
    tokens: hf.ConfidenceTokens
    weights: list[torch.Tensor]
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    guard: hf.UpdateGuard
    micro_batch_size: int

    def update(self, batch: Sequence[OwnReply]) -> dict[str, float]:
        """Make one update; returns its loss and mean stated confidence.

        Raises:
            StageError: several updates in a row were not finite.
        """
        import torch

        figures = self._backward(batch)
        norm = float(torch.nn.utils.clip_grad_norm_(self.weights, MAX_GRADIENT_NORM))
        if not self.guard.allows(loss=figures["loss"], gradient_norm=norm):
            figures = {"skipped_updates": 1.0}
            self.optimizer.zero_grad(set_to_none=True)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.schedule.step()
        return figures

    def _backward(self, batch: Sequence[OwnReply]) -> dict[str, float]:
        """Accumulate the gradient of a batch; returns its loss and mean stated confidence."""
        import torch

        device = self.lm.device
        values = torch.tensor(self.tokens.values, device=device)  # [C]
        loss = confidence = 0.0
        for start in range(0, len(batch), self.micro_batch_size):
            part = batch[start : start + self.micro_batch_size]
            texts = [reply.tokens for reply in part]
            logprobs = confidence_logprobs(self.lm, self.tokenizer, self.tokens, texts)  # [b, C]
            correct = torch.tensor([reply.correct for reply in part], device=device)
            share = tokenized_brier(logprobs, values, correct) * len(part) / len(batch)
            torch.autograd.backward(share)
            loss += float(share.detach())
            confidence += float((logprobs.detach().softmax(-1) @ values).sum()) / len(batch)
        return {"loss": loss, "confidence": confidence}

    def restore(self, path: Path) -> int:
        """Restore a checkpoint, if there is one; returns the number of finished steps."""
        import torch

        if not intact(path):
            return 0
        state = torch.load(path, map_location=self.lm.device, weights_only=True)
        with torch.no_grad():
            for weight, value in zip(self.weights, state["learned"], strict=True):
                weight.copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["decay"])
        step: int = state["step"]
        return step

    def save(self, path: Path, step: int) -> None:
        """Save a checkpoint after `step` steps."""
        import torch

        state = {
            "learned": [weight.detach().cpu() for weight in self.weights],
            "optimizer": self.optimizer.state_dict(),
            "decay": self.schedule.state_dict(),
            "step": step,
        }
        write_checked(path, partial(torch.save, state))
