"""Stage 1 of SaySelf: supervised fine-tuning on answer, self-reflection and confidence.

arXiv 2405.20974, section 2.2; the defaults are the values of its released code. The loss is on
the reply's tokens only, and prompts go through the model's chat template.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import Self

from saysel import hf
from saysel.errors import StageError
from saysel.interfaces import NotFingerprinted, Trainer, TrainingData
from saysel.records import ModelRef
from saysel.trainers.rates import learning_rate

#: Default learning rate of an adapter, as in the paper's code.
ADAPTER_RATE = 7e-5


class Lora(BaseModel):
    """Low-rank adapters (arXiv 2106.09685) on every linear layer."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    r: int = Field(64, ge=1, description="rank")
    alpha: float = Field(16, gt=0, description="scale of the update, over the rank")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout before the adapter")

    def config(self) -> Any:
        """The same for PEFT."""
        from peft import LoraConfig

        return LoraConfig(
            r=self.r,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )


def new_adapter(lora: Lora | None, model: ModelRef) -> Any:
    """PEFT's settings of the adapter to add; `None` if there is one already or none is wanted."""
    return lora.config() if lora is not None and model.adapter is None else None


class SFTTrainer(Trainer):
    """Fine-tune on the examples with TRL, adapters or full weights."""

    version: ClassVar[int] = 3

    learning_rate: float | None = Field(
        None,
        gt=0,
        description="peak rate of AdamW, linear decay; null: 7e-5 for an adapter, 7e-6 for "
        "all weights",
    )
    epochs: float = Field(3, gt=0, description="passes over the examples")
    batch_size: int = Field(128, ge=1, description="examples an optimizer step")
    micro_batch_size: NotFingerprinted[int] = Field(
        128, ge=1, description="examples a forward pass; smaller ones are accumulated"
    )
    warmup: float = Field(0.03, ge=0, lt=1, description="share of the steps that warm up")
    max_length: int = Field(400, ge=8, description="longer examples are left out, in tokens")
    lora: Lora | None = Field(
        Lora(),
        description="settings of a new adapter; null trains all weights; a model that comes with "
        "an adapter goes on with that one",
    )
    max_steps: int | None = Field(None, ge=1, description="stop early after so many steps")

    def smoke(self) -> Self:
        return self.model_copy(update={"max_steps": 1})

    def check_installed(self) -> None:
        hf.check_installed(self)

    def makes_adapter(self) -> bool:
        return self.lora is not None

    def work(self, examples: int) -> tuple[int, str]:
        steps = max(1, round(self.epochs * -(-examples // self.batch_size)))
        return self.max_steps or steps, "steps"

    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        import torch
        from datasets import Dataset
        from trl import SFTTrainer as TRLTrainer

        examples = data.examples()
        if not examples:
            raise StageError(
                "sft: there are no examples to train on: no question had a response that the "
                "target accepts; sample more responses (sample.n) or use a stronger model"
            )
        tokenizer = hf.load_tokenizer(model)
        prompts = hf.encode(tokenizer, [example.prompt for example in examples])
        replies = hf.encode_replies(
            tokenizer, [example.completion + tokenizer.eos_token for example in examples]
        )
        # Cut short, an example would teach to state no confidence and not to stop.
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
        rows = Dataset.from_dict(
            {
                "input_ids": [prompt + reply for prompt, reply in kept],
                "completion_mask": [[0] * len(p) + [1] * len(r) for p, r in kept],
            }
        )
        torch.manual_seed(data.seed)  # for a new adapter
        lm = hf.load_trainable(model, new_adapter(self.lora, model))
        steps, unit = self.work(len(kept))
        data.progress.begin(steps, unit)
        arguments = hf.training_arguments(
            directory / "checkpoints",
            max_steps=steps,
            save_steps=max(10, min(100, steps // 4)),
            logging_strategy="steps",
            logging_steps=max(1, steps // 100),
            **hf.batches(self.batch_size, self.micro_batch_size),
            learning_rate=learning_rate(self.learning_rate, ADAPTER_RATE, lm),
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
            train_dataset=rows,
            processing_class=tokenizer,
            callbacks=[hf.tell(data.progress), losses(data)],
        )
        hf.fit(trainer, directory / "checkpoints", "sft", data.log)
        return hf.save_trained(trainer.model, tokenizer, model, directory / "model")


def losses(data: TrainingData) -> Any:
    """A callback that records the training loss."""
    from transformers import TrainerCallback

    class Losses(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                data.log(step=float(state.global_step), loss=float(logs["loss"]))

    return Losses()
