"""ConfTuner: the tokenized Brier score as a loss (arXiv 2508.18847).

For a reply of the model's own, judged y, and the probabilities q_i with which the model would
state each confidence c_i behind it,

    loss = sum_i q_i (y - c_i)^2

The score is proper: it is least where q states the chance of being right. Nothing of it is drawn,
and no reference model is needed.

- q is the softmax over the confidences that the format can state and over nothing else, as in
  the paper. There each is one token; here one may take several ("10", "73%"), and its share is
  that of the whole sequence.
- Each question is answered once, before training, with the decoding that the model is judged
  with; these answers stay for all epochs. A reply without an answer or without a confidence
  marker teaches nothing: it is counted and left out.
- The loss asks for nothing but the confidence, and no term holds the rest of the reply where it
  was; the paper has none either, and relies on a small rate and adapter. A very small model with
  a high rate learns its confidence and forgets the format: watch `parse_rate`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PrivateAttr
from typing_extensions import Self

from saysel import hf
from saysel.errors import StageError
from saysel.hf import master_weights
from saysel.hf.confidence_tokens import ConfidenceTokens
from saysel.hf.generation import Decoding, generate, padded
from saysel.hf.interruption import deferred
from saysel.hf.update_guard import UpdateGuard
from saysel.interfaces import NotFingerprinted, Trainer, TrainingData
from saysel.records import ModelRef, Question
from saysel.storage import intact, intact_record, write_checked, write_record
from saysel.trainers.rates import learning_rate
from saysel.trainers.sft import Lora, new_adapter

if TYPE_CHECKING:
    from torch import Tensor

#: Questions that are answered side by side and stored together.
PART = 64
#: Default learning rate of an adapter, as in the paper.
ADAPTER_RATE = 1e-5


@dataclass(frozen=True)
class OwnReply:
    """A reply of the model's own up to where it states a confidence.

    Attributes:
        tokens: prompt and reply, up to the confidence marker and with it.
        correct: of its answer, in [0, 1].
    """

    tokens: list[int]
    correct: float


class TokenizedBrierTrainer(Trainer):
    """Calibrate the confidence behind the model's own answers with the Brier score as a loss."""

    version: ClassVar[int] = 3
    uses_eval_temperature: ClassVar[bool] = True

    learning_rate: float | None = Field(
        None,
        gt=0,
        description="peak rate of AdamW, linear decay; null: 1e-5 for an adapter, 1e-6 for "
        "all weights",
    )
    epochs: int = Field(3, ge=1, description="passes over the replies")
    batch_size: int = Field(16, ge=1, description="replies an optimizer step")
    micro_batch_size: NotFingerprinted[int] = Field(
        16, ge=1, description="replies a forward pass; smaller ones are accumulated"
    )
    warmup: float = Field(0.03, ge=0, lt=1, description="share of the steps that warm up")
    lora: Lora | None = Field(
        Lora(r=8, alpha=32, dropout=0),
        description="settings of a new adapter; null trains all weights; a model that comes with "
        "an adapter goes on with that one",
    )
    max_tokens: int = Field(150, ge=1, description="a reply ends here at the latest")
    top_k: int = Field(50, ge=0, description="draw from the k likeliest tokens; 0: from all")
    questions: str = Field("train", description="split whose questions are answered")
    max_steps: int | None = Field(None, ge=1, description="stop early after so many steps")
    checkpoint_every: NotFingerprinted[int] = Field(
        25, ge=1, description="steps between checkpoints"
    )

    _rehearsal: bool = PrivateAttr(False)

    def smoke(self) -> Self:
        small = self.model_copy(update={"max_steps": 1})
        small._rehearsal = True
        return small

    def splits(self) -> tuple[str, ...]:
        return (self.questions,)

    def max_judge_calls(self, questions: int, samples: int) -> int:
        return questions

    def check_installed(self) -> None:
        hf.check_installed(self)

    def makes_adapter(self) -> bool:
        return self.lora is not None

    def work(self, examples: int) -> tuple[int, str]:
        steps = max(1, self.epochs * -(-examples // self.batch_size))
        return self.max_steps or steps, "steps"

    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        import torch

        torch.manual_seed(data.seed)  # for a new adapter
        tokenizer = hf.load_tokenizer(model)
        lm = hf.load_trainable(model, new_adapter(self.lora, model))
        tokens = ConfidenceTokens(data.format, tokenizer, hf.end_tokens(lm, tokenizer))
        checkpoints = directory / "checkpoints"
        replies, left_out = self._own_replies(lm.eval(), tokenizer, data, checkpoints)
        hf.release()  # a judge that is a model here has done its work
        if not replies and self._rehearsal:
            replies = examples_as_replies(tokenizer, data)
        if not replies:
            raise nothing_to_learn(left_out, data.format.confidence_marker)
        checkpoint = checkpoints / "checkpoint.pt"
        if not intact(checkpoint):
            data.log(step=0, replies=len(replies), **left_out)
        self._learn(lm.train(), tokenizer, tokens, replies, data, checkpoint)
        return hf.save_trained(lm, tokenizer, model, directory / "model")

    def _learn(
        self,
        lm: Any,
        tokenizer: Any,
        tokens: ConfidenceTokens,
        replies: Sequence[OwnReply],
        data: TrainingData,
        checkpoint: Path,
    ) -> None:
        """Update the model, from the checkpoint on if there is one."""
        import torch
        from transformers import get_linear_schedule_with_warmup

        steps, unit = self.work(len(replies))
        learned = [weight for weight in lm.parameters() if weight.requires_grad]
        rate = learning_rate(self.learning_rate, ADAPTER_RATE, lm)
        optimizer = torch.optim.AdamW(learned, lr=rate, weight_decay=0.0)
        decay = get_linear_schedule_with_warmup(optimizer, round(self.warmup * steps), steps)
        guard = UpdateGuard("tokenized_brier")
        start = 0
        if intact(checkpoint):
            state = torch.load(checkpoint, map_location=lm.device, weights_only=True)
            with torch.no_grad():
                for weight, value in zip(learned, state["learned"], strict=True):
                    weight.copy_(value)
            optimizer.load_state_dict(state["optimizer"])
            decay.load_state_dict(state["decay"])
            start = state["step"]
        data.progress.begin(steps, unit)
        data.progress.advance(start)
        with deferred() as interruption:
            for step in range(start, steps):
                # Dropout depends on the step's number alone, so a resumed run repeats it.
                torch.manual_seed(data.seed * 1_000_003 + step)
                rows = batch(replies, self.batch_size, step, data.seed)
                figures = self._backward(lm, tokenizer, tokens, rows)
                norm = float(torch.nn.utils.clip_grad_norm_(learned, 1.0))
                if not guard.allows(loss=figures["loss"], gradient_norm=norm):
                    figures = {"skipped_updates": 1.0}
                    optimizer.zero_grad(set_to_none=True)  # nothing to apply
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                decay.step()
                accuracy = sum(reply.correct for reply in rows) / len(rows)
                data.log(step=step + 1, **figures, accuracy=accuracy)
                data.progress.advance()
                due = (step + 1) % self.checkpoint_every == 0 and step + 1 < steps
                if due or interruption.requested:
                    state = {
                        "learned": [weight.detach().cpu() for weight in learned],
                        "optimizer": optimizer.state_dict(),
                        "decay": decay.state_dict(),
                        "step": step + 1,
                    }
                    write_checked(checkpoint, partial(torch.save, state))
                if interruption.requested:
                    raise KeyboardInterrupt

    def _backward(
        self, lm: Any, tokenizer: Any, tokens: ConfidenceTokens, rows: Sequence[OwnReply]
    ) -> dict[str, float]:
        """Accumulate the gradient of a batch; returns its loss and mean stated confidence."""
        import torch

        values = torch.tensor(tokens.values, device=lm.device)
        loss = stated = 0.0
        for first in range(0, len(rows), self.micro_batch_size):
            part = rows[first : first + self.micro_batch_size]
            texts = [reply.tokens for reply in part]
            logprobs = confidence_logprobs(lm, tokenizer, tokens, texts)  # [b, C]
            correct = torch.tensor([reply.correct for reply in part], device=lm.device)
            share = tokenized_brier(logprobs, values, correct) * len(part) / len(rows)
            torch.autograd.backward(share)
            loss += float(share.detach())
            stated += float((logprobs.detach().softmax(-1) @ values).sum()) / len(rows)
        return {"loss": loss, "confidence": stated}

    def _own_replies(
        self, lm: Any, tokenizer: Any, data: TrainingData, directory: Path
    ) -> tuple[list[OwnReply], Counter[str]]:
        """One reply to each question, stored part by part, and how many were left out and why."""
        questions = data.questions(self.questions)
        decoding = Decoding(
            temperature=data.temperature,
            max_tokens=self.max_tokens,
            top_k=self.top_k,
            mark=data.format.confidence_marker,
        )
        replies: list[OwnReply] = []
        left_out = Counter(unreadable=0, unjudged=0)
        data.progress.begin(len(questions), "questions")
        for number, start in enumerate(range(0, len(questions), PART)):
            asked = questions[start : start + PART]
            path = directory / f"replies-{number:05}.json"
            drawn = intact_record(path)
            if drawn is None or drawn["part"] != number:
                # Its draws hang on the part's number, so that a resumed run draws the same.
                drawn = answered(
                    lm, tokenizer, data, asked, decoding, data.seed * 1_000_003 + number
                )
                if not drawn["left_out"]["unjudged"]:  # else the judge gets another chance
                    write_record(path, {**drawn, "part": number})
            replies += [OwnReply(**reply) for reply in drawn["replies"]]
            left_out.update(drawn["left_out"])
            data.progress.advance(len(asked))
        return replies, left_out


def nothing_to_learn(left_out: Mapping[str, int], marker: str) -> StageError:
    """Why no reply is left to learn from."""
    if left_out["unjudged"]:
        return StageError(
            f"tokenized_brier: of {sum(left_out.values())} replies, {left_out['unjudged']} could "
            "not be judged and the others not be read: check the judge and run again"
        )
    return StageError(
        f"tokenized_brier: none of {left_out['unreadable']} replies has an answer followed by "
        f"'{marker}': fine-tune the model on the format first (sft), or raise max_tokens"
    )


def answered(
    lm: Any,
    tokenizer: Any,
    data: TrainingData,
    questions: Sequence[Question],
    decoding: Decoding,
    seed: int,
) -> dict[str, Any]:
    """The model's replies to some questions, as JSON: `replies` and how many were `left_out`."""
    import torch

    generator = torch.Generator(lm.device).manual_seed(seed)
    prompts = hf.encode(tokenizer, [data.format.prompt(question) for question in questions])
    ends = hf.end_tokens(lm, tokenizer)
    drawn = generate(lm, tokenizer, prompts, 1, decoding, generator, ends)
    readable = []
    for question, prompt, (reply,) in zip(questions, prompts, drawn, strict=True):
        begun = reply.tokens[: reply.marked]
        (text,) = hf.decode_replies(tokenizer, [prompt], [reply.tokens])
        answer = data.format.parse(text, cut=reply.cut).answer
        if answer is not None and data.format.confidence_marker in tokenizer.decode(begun):
            readable.append((question, answer, [*prompt, *begun]))
    correct = data.judge.judge([(question, answer) for question, answer, _ in readable])
    replies = [
        {"tokens": tokens, "correct": correctness}
        for (_, _, tokens), correctness in zip(readable, correct, strict=True)
        if correctness is not None
    ]
    left_out = {
        "unreadable": len(questions) - len(readable),
        "unjudged": len(readable) - len(replies),
    }
    return {"replies": replies, "left_out": left_out}


def examples_as_replies(tokenizer: Any, data: TrainingData) -> list[OwnReply]:
    """What a rehearsal trains on, whose model has learned too little to reply in the format."""
    marker = data.format.confidence_marker
    examples = [example for example in data.examples() if marker in example.completion]
    begun = [example.completion.rpartition(marker)[0] + marker for example in examples]
    prompts = hf.encode(tokenizer, [example.prompt for example in examples])
    replies = hf.encode_replies(tokenizer, begun)
    return [OwnReply(prompt + reply, 1.0) for prompt, reply in zip(prompts, replies, strict=True)]


def batch(replies: Sequence[OwnReply], size: int, step: int, seed: int) -> list[OwnReply]:
    """The replies of a step; every reply comes once a pass, each pass in another order."""
    epoch, place = divmod(step, -(-len(replies) // size))
    order = list(range(len(replies)))
    random.Random(f"tokenized_brier/{seed}/{epoch}").shuffle(order)
    return [replies[row] for row in order[place * size : (place + 1) * size]]


def confidence_logprobs(
    lm: Any, tokenizer: Any, tokens: ConfidenceTokens, texts: Sequence[Sequence[int]]
) -> Tensor:
    """Log-probability of every confidence behind each text (token ids), [B, C], in nats."""
    following = []
    for branch in tokens.branches:
        ids, mask = padded([[*text, *branch] for text in texts], tokenizer.pad_token_id, lm.device)
        with master_weights.autocast(lm):
            logits = lm(
                input_ids=ids,
                attention_mask=mask,
                position_ids=(mask.cumsum(-1) - 1).clamp(min=0),
                use_cache=False,
                logits_to_keep=1,
            ).logits
        following.append(logits[:, -1].float().log_softmax(-1))
    return tokens.logprobs(following)


def tokenized_brier(logprobs: Tensor, values: Tensor, correct: Tensor) -> Tensor:
    """sum_i q_i (y - c_i)^2 with q the softmax over the confidences; the mean over replies.

    Args:
        logprobs: of each confidence, [B, C]; how much falls to anything else does not matter.
        values: the confidences, in [0, 1], [C].
        correct: of each reply, in [0, 1], [B].
    """
    errors = (correct[:, None] - values) ** 2
    return (logprobs.softmax(-1) * errors).sum(-1).mean()
