"""LACIE: preferences of a listener who accepts or rejects an answer (arXiv 2405.21028).

A listener accepts a reply that sounds sure enough. Replies to one question are compared by what
that leads to:

              accepted   rejected
    right        1         -0.5
    wrong       -1          1

and DPO (arXiv 2305.18290) learns to prefer the reply with the higher score. The prompts and
replies are those of the sample stage: the model that the recipe starts from is the one to be
trained, without fine-tuning that would make its replies others before.

Deviations from the paper:
- Its listener is a language model that reads the reply without the answer. Ours takes the speaker
  at its word: it accepts what is stated with a confidence of at least `threshold`.
- Its speaker is asked to sound sure in some replies and unsure in others. A model that states
  nothing below the threshold is never rejected, and its pairs would only teach which answer is
  right. With `restate` every reply is therefore there a second time, word for word up to its
  confidence, with one from the other side of the threshold, drawn evenly. The answer and whether
  it is right are the model's own; only the doubt, or the lack of it, is lent. What the rationale
  says stays, also where it no longer fits. `restate: false` compares nothing but what was sampled.
- A listener who decides at a threshold does not ask for more than to be on its right side: the
  method teaches when to doubt, and how much only roughly.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import Field, PrivateAttr
from typing_extensions import Self

from saysel import hf
from saysel.errors import StageError
from saysel.hf.generation import logprobs
from saysel.interfaces import Format, NotFingerprinted, Trainer, TrainingData
from saysel.records import ModelRef, Question, Response
from saysel.trainers.rates import learning_rate
from saysel.trainers.sft import Lora, new_adapter

#: Default learning rate of an adapter.
ADAPTER_RATE = 1e-5
#: What a reply earns, by whether it is right and whether the listener accepts it.
SCORES = {(True, True): 1.0, (False, False): 1.0, (True, False): -0.5, (False, True): -1.0}


class Candidate(NamedTuple):
    """A reply with its score."""

    text: str
    score: float


class Pair(NamedTuple):
    """Two replies to a question, the better one first."""

    question: Question
    chosen: str
    rejected: str


class DPOTrainer(Trainer):
    """Prefer confidence that a listener can rely on, with TRL's DPO on LACIE's pairs."""

    version: ClassVar[int] = 3

    threshold: float = Field(0.5, gt=0, le=1, description="least confidence that is accepted")
    restate: bool = Field(
        True, description="compare each reply also with a confidence beyond the threshold"
    )
    pairs: int = Field(4, ge=1, description="most pairs of a question, drawn from all there are")
    beta: float = Field(0.1, gt=0, description="how hard the model is held to where it began")
    learning_rate: float | None = Field(
        None,
        gt=0,
        description="peak rate of AdamW, linear decay; null: 1e-5 for an adapter, 1e-6 for "
        "all weights",
    )
    epochs: float = Field(1, gt=0, description="passes over the pairs")
    batch_size: int = Field(32, ge=1, description="pairs an optimizer step")
    micro_batch_size: NotFingerprinted[int] = Field(
        8, ge=1, description="pairs a forward pass; smaller ones are accumulated"
    )
    warmup: float = Field(0.03, ge=0, lt=1, description="share of the steps that warm up")
    max_length: int = Field(400, ge=8, description="longer pairs are left out, in tokens")
    lora: Lora | None = Field(
        Lora(r=16, alpha=32, dropout=0),
        description="settings of a new adapter, whose dropout DPO turns off; null trains all "
        "weights; a model that comes with an adapter goes on with that one",
    )
    max_steps: int | None = Field(None, ge=1, description="stop early after so many steps")

    _rehearsal: bool = PrivateAttr(False)

    def smoke(self) -> Self:
        small = self.model_copy(update={"max_steps": 1, "restate": True})
        small._rehearsal = True
        return small

    def splits(self) -> tuple[str, ...]:
        return ("train",)

    def max_judge_calls(self, questions: int, samples: int) -> int:
        return questions * samples

    def check_installed(self) -> None:
        hf.check_installed(self)

    def makes_adapter(self) -> bool:
        return self.lora is not None

    def work(self, examples: int) -> tuple[int, str]:
        return self._steps(examples * self.pairs), "steps"

    def _steps(self, pairs: int) -> int:
        return self.max_steps or max(1, round(self.epochs * -(-pairs // self.batch_size)))

    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        import torch

        tokenizer = hf.load_tokenizer(model)
        pairs = self._pairs(data, data.responses())
        if not pairs and self._rehearsal:
            # Its model has learned too little to reply in the format.
            pairs = self._pairs(
                data,
                [Response(one.question_id, 0, one.completion, None, 0) for one in data.examples()],
            )
        # Last: a judge that is a model here has to make room.
        torch.manual_seed(data.seed)  # for a new adapter
        lm = hf.load_trainable(model, new_adapter(self.lora, model))
        rows = self._rows(lm.eval(), tokenizer, data.format, pairs)
        if not rows:
            raise StageError(
                f"dpo: all {len(pairs)} pairs are longer than {self.max_length} tokens: raise "
                "max_length"
                if pairs
                else "dpo: no question has two replies that state a confidence, could be judged "
                f"and would be scored differently by a listener with threshold "
                f"{self.threshold:g}: see that the sampled replies can be read in the recipe's "
                "format, sample more of them (sample.n), or set restate: true"
            )
        lm.train()
        steps = self._steps(len(rows))
        data.log(step=0, pairs=len(rows), too_long=len(pairs) - len(rows))
        data.progress.begin(steps, "steps")
        arguments = hf.training_arguments(
            directory / "checkpoints",
            max_steps=steps,
            save_steps=max(10, min(100, steps // 4)),
            logging_strategy="steps",
            logging_steps=max(1, steps // 100),
            **hf.batches(self.batch_size, self.micro_batch_size),
            beta=self.beta,
            learning_rate=learning_rate(self.learning_rate, ADAPTER_RATE, lm),
            lr_scheduler_type="linear",
            warmup_steps=round(self.warmup * steps),
            seed=data.seed,
            data_seed=data.seed,
        )
        trainer = hf.dpo_trainer(
            rows,
            model=lm,
            args=hf.dpo_config(**arguments),
            processing_class=tokenizer,
            callbacks=[hf.tell(data.progress), margins(data)],
        )
        hf.fit(trainer, directory / "checkpoints", "dpo", data.log)
        return hf.save_trained(trainer.model, tokenizer, model, directory / "model")

    def _pairs(self, data: TrainingData, responses: Sequence[Response]) -> list[Pair]:
        """Pairs of every question, in the questions' order.

        Replies without an answer or a confidence, or with an answer that could not be judged,
        are in none.
        """
        questions = {question.id: question for question in data.questions("train")}
        stated = []
        for response in responses:
            parsed = data.format.parse(response.text, cut=response.cut)
            if parsed.answer is not None and parsed.confidence is not None:
                question = questions[response.question_id]
                stated.append((question, response.text, parsed.answer, parsed.confidence))
        correct = data.judge.judge([(question, answer) for question, _, answer, _ in stated])
        candidates: dict[str, list[Candidate]] = {name: [] for name in questions}
        rng = random.Random(f"dpo/{data.seed}")
        for (question, text, _, confidence), correctness in zip(stated, correct, strict=True):
            if correctness is None:
                continue
            right, accepted = correctness >= 0.5, confidence >= self.threshold
            found = candidates[question.id]
            found.append(Candidate(text, SCORES[right, accepted]))
            if self.restate:
                other = restated(text, data.format, self.threshold, not accepted, rng)
                if other is not None:
                    found.append(Candidate(other, SCORES[right, not accepted]))
        return [
            Pair(questions[name], better.text, worse.text)
            for name, found in candidates.items()
            for better, worse in preferences(found, self.pairs, rng)
        ]

    def _rows(
        self, lm: Any, tokenizer: Any, format: Format, pairs: Sequence[Pair]
    ) -> list[hf.Preference]:
        """The pairs that are short enough, as tokens, with the log-probabilities of a reference.

        That is the model as it came. Replies of similar length share a pass, each goes through
        once.
        """
        prompts = hf.encode(tokenizer, [format.prompt(pair.question) for pair in pairs])
        chosen, rejected = (
            hf.encode_replies(tokenizer, [text + tokenizer.eos_token for text in texts])
            for texts in ([p.chosen for p in pairs], [p.rejected for p in pairs])
        )
        kept = [
            row
            for row in zip(prompts, chosen, rejected, strict=True)
            if len(row[0]) + max(map(len, row[1:])) <= self.max_length
        ]
        texts = {(tuple(row[0]), tuple(reply)) for row in kept for reply in row[1:]}
        order = sorted(texts, key=lambda text: (len(text[0]) + len(text[1]), text))
        reference: dict[tuple[tuple[int, ...], tuple[int, ...]], float] = {}
        size = 2 * self.micro_batch_size
        for start in range(0, len(order), size):
            part = order[start : start + size]
            scores = logprobs(lm, tokenizer, *zip(*part, strict=True))
            reference |= {text: sum(score) for text, score in zip(part, scores, strict=True)}
        return [
            hf.Preference(p, c, r, *(reference[tuple(p), tuple(reply)] for reply in (c, r)))
            for p, c, r in kept
        ]


def restated(
    text: str, format: Format, threshold: float, accepted: bool, rng: random.Random
) -> str | None:
    """The same reply with another confidence, one that is or is not accepted.

    `None`: the format has no such confidence, or the reply states its own in words of its own.
    """
    begin, marker, _ = text.rpartition(format.confidence_marker)
    if not marker:  # in other words, such as "**Confidence**"
        return None
    choices = [
        stated
        for stated, confidence in format.confidences.items()
        if (confidence >= threshold) == accepted
    ]
    return begin + marker + rng.choice(choices) if choices else None


def preferences(
    candidates: Sequence[Candidate], most: int, rng: random.Random
) -> list[tuple[Candidate, Candidate]]:
    """At most so many pairs of candidates with different scores, the better one first."""
    every = [
        (better, worse)
        for better in candidates
        for worse in candidates
        if better.score > worse.score
    ]
    return rng.sample(every, min(most, len(every)))


def margins(data: TrainingData) -> Any:
    """A callback that records the loss and by how much DPO's reward tells the replies apart."""
    from transformers import TrainerCallback

    class Margins(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                data.log(
                    step=float(state.global_step),
                    loss=float(logs["loss"]),
                    margin=float(logs["rewards/margins"]),
                )

    return Margins()
