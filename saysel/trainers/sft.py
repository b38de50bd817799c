"""Stage 1 of SaySelf: supervised fine-tuning on answer, self-reflection and confidence.

arXiv 2405.20974, section 2.2; the defaults are the values of its released code. The loss covers
the tokens of the reply only, and prompts are rendered by the model's chat template.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field
from typing_extensions import Self

from saysel import hf
from saysel.errors import StageError
from saysel.interfaces import NotFingerprinted, PassSize, Trainer, TrainingData
from saysel.records import ModelRef
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

    def smoke(self) -> Self:
        return self.model_copy(update={"max_steps": 1})

    def pass_size(self, prompt_tokens: int) -> PassSize:
        return PassSize(
            rows=min(self.batch_size, self.micro_batch_size),
            tokens=self.max_length,
            logit_tokens=self.max_length,
            rank=self.lora.r if self.lora else None,
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
            StageError: there are no examples, or all of them are too long.
        """
        import torch
        from trl import SFTTrainer as TRLTrainer

        tokenizer, dataset = self._dataset(model, data)
        torch.manual_seed(data.seed)  # initialises a new adapter
        lm = hf.load_trainable(model, new_adapter(self.lora, model))
        hf.check_length(lm, max(map(len, dataset["input_ids"])), 0)
        steps, unit = self.work(len(dataset))
        data.progress.begin(steps, unit)
        checkpoints = directory / "checkpoints"
        arguments = hf.training_arguments(
            checkpoints,
            max_steps=steps,
            save_steps=max(10, min(100, steps // 4)),
            logging_strategy="steps",
            logging_steps=max(1, steps // 100),
            **hf.batch_arguments(self.batch_size, self.micro_batch_size),
            learning_rate=learning_rate(self.learning_rate, ADAPTER_LEARNING_RATE, lm),
            lr_scheduler_type="linear",
            warmup_steps=round(self.warmup * steps),
            max_length=self.max_length,
            completion_only_loss=True,
            seed=data.seed,
            data_seed=data.seed,
        )
        trainer = TRLTrainer(
            model=lm,
            args=hf.sft_config(**arguments),
            train_dataset=dataset,
            processing_class=tokenizer,
            callbacks=[
                hf.progress_callback(data.progress),
                hf.log_callback(data, {"loss": "loss"}),
            ],
        )
        hf.fit(trainer, checkpoints, "sft", data.log)
        return hf.save_trained(trainer.model, tokenizer, model, directory / "model")

    def _dataset(self, model: ModelRef, data: TrainingData) -> tuple[Any, Any]:
        """The tokenizer, and the examples that are short enough as a data set of tokens."""
        from datasets import Dataset

        examples = data.examples()
        if not examples:
            raise StageError(
                "sft: there are no examples to train on: run the stages up to target first"
            )
        tokenizer = hf.load_tokenizer(model)
        chats = [example.prompt for example in examples]
        texts = [example.completion + tokenizer.eos_token for example in examples]
        prompts = hf.encode(tokenizer, chats)
        replies = hf.encode_replies(tokenizer, hf.without_thoughts(tokenizer, chats, texts))
        # A truncated example would teach to state no confidence and not to stop.
        kept = [
            (prompt, reply)
            for prompt, reply in zip(prompts, replies, strict=True)
            if len(prompt) + len(reply) <= self.max_length
        ]
        if not kept:
            raise StageError(
                f"sft: all {len(examples)} examples are longer than {self.max_length} tokens: "
                "raise max_length"
            )
        if len(kept) < len(examples):
            data.log(step=0, too_long=len(examples) - len(kept))
        dataset = Dataset.from_dict(
            {
                "input_ids": [prompt + reply for prompt, reply in kept],
                "completion_mask": [[0] * len(p) + [1] * len(r) for p, r in kept],
            }
        )
        return tokenizer, dataset
