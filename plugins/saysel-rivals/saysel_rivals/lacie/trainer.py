"""LACIE: preferences of a listener who accepts or rejects an answer (arXiv 2405.21028).

A listener accepts a reply that sounds confident enough. Replies to one question are compared by
the outcome:

              accepted   rejected
    right        1         -0.5
    wrong       -1          1

and DPO (arXiv 2305.18290) learns to prefer the reply with the higher score. Prompts and replies
are those of the sample stage: the model that the recipe starts from is trained, without
fine-tuning that would change its replies first.

Deviations from the paper:
- Its listener is a language model that reads the reply without the answer. Ours accepts every
  reply that states a confidence of at least `threshold`.
- Its speaker is prompted to sound confident in some replies and unsure in others. A model that
  never states a confidence below the threshold is never rejected, and its pairs would only teach
  which answer is right. With `restate`, every reply therefore gets a second version, identical up
  to its confidence, which is drawn uniformly from the other side of the threshold. The answer and
  its correctness are the model's own; only the level of confidence is changed. The rationale
  stays, even if it does not fit any more. `restate: false` compares only what was sampled.
- A listener with a threshold only requires the confidence to be on the right side of it: the
  method teaches when to doubt, but only roughly how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field
from typing_extensions import Self

from saysel import hf
from saysel.errors import StageError
from saysel.interfaces import Format, NotFingerprinted, TrainingData
from saysel.records import ModelRef, Response
from saysel.trainers.lora import Lora, learning_rate, new_adapter
from saysel_rivals.lacie.dpo import Preference, dpo_config, dpo_trainer
from saysel_rivals.lacie.pairs import Pair, make_pairs
from saysel_rivals.tuning import ADAPTER_LEARNING_RATE, TuningOptions


class DPOTrainer(TuningOptions):
    """Prefer confidence that a listener can rely on, with TRL's DPO on LACIE's pairs."""

    version: ClassVar[int] = 3

    threshold: float = Field(
        0.5, gt=0, le=1, description="lowest confidence that the listener accepts"
    )
    restate: bool = Field(
        True,
        description="also compare each reply with a version whose confidence is on the other "
        "side of the threshold",
    )
    pairs: int = Field(4, ge=1, description="maximum pairs per question, chosen at random")
    beta: float = Field(0.1, gt=0, description="strength of the constraint to the initial model")
    epochs: float = Field(1, gt=0, description="passes over the pairs")
    batch_size: int = Field(32, ge=1, description="pairs per optimizer step")
    micro_batch_size: NotFingerprinted[int] = Field(
        8, ge=1, description="pairs per forward pass; gradients are accumulated"
    )
    max_length: int = Field(400, ge=8, description="maximum tokens; longer pairs are left out")
    lora: Lora | None = Field(
        Lora(r=16, alpha=32, dropout=0),
        description="settings of a new adapter, without dropout; null trains all weights; an "
        "adapter that the model already has is trained further",
    )

    def smoke(self) -> Self:
        return super().smoke().model_copy(update={"restate": True})

    def splits(self) -> tuple[str, ...]:
        return ("train",)

    def max_judge_calls(self, questions: int, samples: int) -> int:
        return questions * samples

    def work(self, examples: int) -> tuple[int, str]:
        return self._steps(examples * self.pairs), "steps"

    def _steps(self, pairs: int) -> int:
        return self.max_steps or max(1, round(self.epochs * -(-pairs // self.batch_size)))

    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        """See the interface.

        Raises:
            StageError: there are no pairs, or all of them are too long.
        """
        import torch

        tokenizer = hf.load_tokenizer(model)
        # Before the model is loaded: the judge may be a model in this process too.
        pairs = self._pairs(data)
        torch.manual_seed(data.seed)  # initialises a new adapter
        lm = hf.load_trainable(model, new_adapter(self.lora, model))
        preferences = self._preferences(lm.eval(), tokenizer, data.format, pairs)
        if not preferences:
            raise self._no_preferences(pairs)
        lm.train()
        steps = self._steps(len(preferences))
        data.log(step=0, pairs=len(preferences), too_long=len(pairs) - len(preferences))
        data.progress.begin(steps, "steps")
        checkpoints = directory / "checkpoints"
        arguments = hf.training_arguments(
            checkpoints,
            max_steps=steps,
            save_steps=max(10, min(100, steps // 4)),
            logging_strategy="steps",
            logging_steps=max(1, steps // 100),
            **hf.batch_arguments(self.batch_size, self.micro_batch_size),
            beta=self.beta,
            learning_rate=learning_rate(self.learning_rate, ADAPTER_LEARNING_RATE, lm),
            lr_scheduler_type="linear",
            warmup_steps=round(self.warmup * steps),
            seed=data.seed,
            data_seed=data.seed,
        )
        trainer = dpo_trainer(
            preferences,
            model=lm,
            args=dpo_config(**arguments),
            processing_class=tokenizer,
            callbacks=[
                hf.progress_callback(data.progress),
                hf.log_callback(data, {"loss": "loss", "rewards/margins": "margin"}),
            ],
        )
        hf.fit(trainer, checkpoints, "dpo", data.log)
        return hf.save_trained(trainer.model, tokenizer, model, directory / "model")

    def _pairs(self, data: TrainingData) -> list[Pair]:
        pairs = self._make_pairs(data, data.responses())
        if not pairs and self._smoke:
            # The model has learned too little to reply in the format.
            examples = [
                Response(example.question_id, 0, example.completion, None, 0)
                for example in data.examples()
            ]
            pairs = self._make_pairs(data, examples)
        return pairs

    def _make_pairs(self, data: TrainingData, responses: Sequence[Response]) -> list[Pair]:
        return make_pairs(
            data,
            responses,
            threshold=self.threshold,
            restate=self.restate,
            max_pairs=self.pairs,
        )

    def _preferences(
        self, lm: Any, tokenizer: Any, format: Format, pairs: Sequence[Pair]
    ) -> list[Preference]:
        """The pairs that are short enough, as tokens, with the reference log-probabilities.

        The reference is the model before training. Replies of similar length share a pass, and
        equal ones are read once.
        """
        chats = [format.prompt(pair.question) for pair in pairs]
        prompts = hf.encode(tokenizer, chats)
        chosen, rejected = (
            hf.encode_replies(
                tokenizer,
                [
                    text + tokenizer.eos_token
                    for text in hf.without_thoughts(tokenizer, chats, texts)
                ],
            )
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
            logprobs = hf.reply_logprobs(lm, tokenizer, *zip(*part, strict=True))
            reference |= {text: sum(values) for text, values in zip(part, logprobs, strict=True)}
        return [
            Preference(
                prompt,
                better,
                worse,
                *(reference[tuple(prompt), tuple(r)] for r in (better, worse)),
            )
            for prompt, better, worse in kept
        ]

    def _no_preferences(self, pairs: Sequence[Pair]) -> StageError:
        if pairs:
            return StageError(
                f"dpo: all {len(pairs)} pairs are longer than {self.max_length} tokens: raise "
                "max_length"
            )
        return StageError(
            "dpo: no question has two replies that state a confidence, could be judged and would "
            f"be scored differently by a listener with threshold {self.threshold:g}: check that "
            "the sampled replies can be parsed in the recipe's format, sample more of them "
            "(sample.n), or set restate: true"
        )
