"""Stage 1 of SaySelf: supervised fine-tuning on answer, self-reflection and confidence.

arXiv 2405.20974, section 2.2; the defaults are the values of its released code. The loss covers
the tokens of the reply only, and prompts are rendered by the model's chat template.

With `mask: confidence`, the loss covers only the tokens after the confidence marker, as in
confidence-supervised fine-tuning (CSFT, arXiv 2506.03723). The paper's label is the share of
correct samples, also where it is 0, which the target `expected_accuracy` of saysel-rivals gives;
with the target `largest_cluster` it is the share of the model's own most frequent answer, for which
no accepted answers are needed. `soft` replaces the label by a distribution, so that confidences
near the label are not treated as wrong; it is ours, and so is its shape, a Gaussian.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from saysel import hf
from saysel.errors import StageError
from saysel.hf.soft_confidence import ConfidenceExample, soft_confidence_trainer
from saysel.interfaces import (
    FingerprintedIfSet,
    Format,
    NotFingerprinted,
    PassSize,
    Trainer,
    TrainingData,
)
from saysel.records import ModelRef
from saysel.trainers.encoded_examples import EncodedExample, encoded_examples
from saysel.trainers.lora import Lora, learning_rate, new_adapter

#: Default learning rate of an adapter, as in the paper's code.
ADAPTER_LEARNING_RATE = 7e-5


class SFTTrainer(Trainer):
    """Fine-tune on the examples with TRL, training an adapter or all weights."""

    version: ClassVar[int] = 3
    in_every_process: ClassVar[bool] = True

    learning_rate: float | None = Field(
        None,
        gt=0,
        description="peak rate of AdamW, with linear decay; null: 7e-5 for an adapter, 7e-6 for "
        "all weights",
    )
    epochs: float = Field(3, gt=0, description="passes over the examples")
    batch_size: int = Field(128, ge=1, description="examples per optimizer step")
    micro_batch_size: NotFingerprinted[int] = Field(
        128, ge=1, description="examples per forward pass; gradients are accumulated"
    )
    warmup: float = Field(0.03, ge=0, lt=1, description="share of the steps used for warm-up")
    max_length: int = Field(400, ge=8, description="maximum tokens; longer examples are left out")
    lora: Lora | None = Field(
        Lora(),
        description="settings of a new adapter; null trains all weights; an adapter that the "
        "model already has is trained further",
    )
    max_steps: int | None = Field(None, ge=1, description="stop after this many steps")
    mask: FingerprintedIfSet[Literal["response", "confidence"]] = Field(
        "response", description="tokens that have a loss"
    )
    soft: FingerprintedIfSet[float | None] = Field(
        None,
        gt=0,
        description="learn a distribution over the confidences, around that of the example and "
        "with this standard deviation, such as 0.1; needs `mask: confidence`; null: one confidence",
    )

    @model_validator(mode="after")
    def _only_confidences_are_soft(self) -> Self:
        if self.soft is not None and self.mask != "confidence":
            raise ValueError("soft needs mask: confidence")
        return self

    def smoke(self) -> Self:
        return self.model_copy(update={"max_steps": 1})

    def pass_size(self, prompt_tokens: int) -> PassSize:
        return PassSize(
            rows=min(self.batch_size, self.micro_batch_size),
            tokens=self.max_length,
            logit_tokens=self.max_length,
            rank=self.lora.r if self.lora else None,
            max_logits=hf.max_logits("sft"),
        )

    def check_installed(self) -> None:
        hf.check_installed(self)

    def check_available(self) -> None:
        hf.check_batch_size("sft", self.batch_size)

    def makes_adapter(self) -> bool:
        return self.lora is not None

    def work(self, examples: int) -> tuple[int, str]:
        steps = max(1, round(self.epochs * -(-examples // self.batch_size)))
        return self.max_steps or steps, "steps"

    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        """See the interface.

        Raises:
            StageError: there are no examples, or all of them are too long; or, with `mask:
                confidence`, all of them decline, or the tokenizer merges the confidence marker with
                what follows it.
        """
        import torch

        tokenizer = hf.load_tokenizer(model)
        examples = self._with_loss(encoded_examples(tokenizer, data, self.max_length))
        torch.manual_seed(data.seed)  # initialises a new adapter
        lm = hf.load_trainable(model, new_adapter(self.lora, model))
        hf.check_length(lm, max(len(one.prompt) + len(one.reply) for one in examples), 0)
        steps, unit = self.work(len(examples))
        data.progress.begin(steps, unit)
        checkpoints = directory / "checkpoints"
        arguments = hf.fine_tuning_arguments(
            checkpoints,
            steps=steps,
            warmup=self.warmup,
            learning_rate=learning_rate(self.learning_rate, ADAPTER_LEARNING_RATE, lm),
            batch_size=self.batch_size,
            micro_batch_size=self.micro_batch_size,
            seed=data.seed,
        )
        trainer = self._trainer(
            examples,
            arguments,
            data.format,
            model=lm,
            processing_class=tokenizer,
            callbacks=[
                hf.progress_callback(data.progress),
                hf.log_callback(data, {"loss": "loss"}),
            ],
        )
        hf.fit(trainer, checkpoints, "sft", data.log)
        return hf.save_trained(trainer.model, tokenizer, model, directory / "model")

    def _with_loss(self, examples: list[EncodedExample]) -> list[EncodedExample]:
        """The examples with tokens that have a loss: one that declines states no confidence."""
        if self.mask == "response":
            return examples
        stating = [one for one in examples if one.confidence is not None]
        if not stating:
            raise StageError(
                f"sft: none of {len(examples)} examples states a confidence, which mask: "
                "confidence trains: use mask: response, or a target that does not always decline"
            )
        return stating

    def _trainer(
        self,
        examples: Sequence[EncodedExample],
        arguments: Mapping[str, Any],
        format: Format,
        **options: Any,
    ) -> Any:
        """The library's trainer, for the tokens that have a loss.

        Args:
            options: model, tokenizer and callbacks.
        """
        tokenizer = options["processing_class"]
        if self.mask == "confidence":
            ends = hf.end_tokens(options["model"], tokenizer)
            tokens = hf.ConfidenceTokens(format, tokenizer, ends)
            if self.soft is not None:
                contexts = [
                    ConfidenceExample(
                        one.prompt + one.reply[: one.confidence_start], one.confidence
                    )
                    for one in examples
                    if one.confidence is not None
                ]
                return soft_confidence_trainer(
                    contexts, tokenizer, tokens, self.soft, arguments, **options
                )
        from trl import SFTTrainer as TRLTrainer

        return TRLTrainer(
            args=hf.sft_config(**arguments, max_length=self.max_length, completion_only_loss=True),
            train_dataset=self._dataset(examples),
            **options,
        )

    def _dataset(self, examples: Sequence[EncodedExample]) -> Any:
        """The tokens of the examples, with a mask of those that have a loss."""
        from datasets import Dataset

        starts = [one.confidence_start if self.mask == "confidence" else 0 for one in examples]
        return Dataset.from_dict(
            {
                "input_ids": [one.prompt + one.reply for one in examples],
                "completion_mask": [
                    [0] * (len(one.prompt) + start) + [1] * (len(one.reply) - start)
                    for one, start in zip(examples, starts, strict=True)
                ],
            }
        )
