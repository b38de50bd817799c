"""Fine-tuning with a loss of a method: the options that such trainers share, and a loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr
from typing_extensions import Self

from saysel import hf
from saysel.interfaces import NotFingerprinted, Trainer, TrainingData
from saysel.records import ModelRef
from saysel.trainers.lora import Lora, learning_rate

#: Default learning rate of an adapter; ours.
ADAPTER_LEARNING_RATE = 1e-5


class TuningOptions(Trainer):
    """Options of trainers that fine-tune with the loss of a method."""

    learning_rate: float | None = Field(
        None,
        gt=0,
        description="peak rate of AdamW, with linear decay; null: 1e-5 for an adapter, 1e-6 for "
        "all weights",
    )
    batch_size: int = Field(16, ge=1, description="replies per optimizer step")
    micro_batch_size: NotFingerprinted[int] = Field(
        16, ge=1, description="replies per forward pass; gradients are accumulated"
    )
    warmup: float = Field(0.03, ge=0, lt=1, description="share of the steps used for warm-up")
    lora: Lora | None = Field(
        Lora(r=8, alpha=32, dropout=0),
        description="settings of a new adapter; null trains all weights; an adapter that the "
        "model already has is trained further",
    )
    max_steps: int | None = Field(None, ge=1, description="stop after this many steps")

    _smoke: bool = PrivateAttr(False)

    def smoke(self) -> Self:
        small = self.model_copy(update={"max_steps": 1})
        small._smoke = True
        return small

    def check_installed(self) -> None:
        hf.check_installed(self)

    def makes_adapter(self) -> bool:
        return self.lora is not None


class Tuning(TuningOptions):
    """Base of trainers whose loss takes a batch of rows."""

    epochs: float = Field(3, gt=0, description="passes over the replies")

    def work(self, examples: int) -> tuple[int, str]:
        steps = max(1, round(self.epochs * -(-examples // self.batch_size)))
        return self.max_steps or steps, "steps"

    def fit(
        self,
        name: str,
        lm: Any,
        rows: Sequence[Any],
        collate: Callable[[Sequence[Any]], dict[str, Any]],
        loss: Callable[[Any, dict[str, Any]], Any],
        model: ModelRef,
        data: TrainingData,
        directory: Path,
    ) -> ModelRef:
        """Fine-tune the loaded model on the rows, and save it.

        Args:
            name: the trainer's name, for messages.
            collate, loss: see `saysel.hf.loss_trainer`.
            model: what was loaded.
        """
        steps, unit = self.work(len(rows))
        data.progress.begin(steps, unit)
        tokenizer = hf.load_tokenizer(model)
        checkpoints = directory / "checkpoints" / "trainer"
        arguments = hf.fine_tuning_arguments(
            checkpoints,
            steps=steps,
            warmup=self.warmup,
            learning_rate=learning_rate(self.learning_rate, ADAPTER_LEARNING_RATE, lm),
            batch_size=self.batch_size,
            micro_batch_size=self.micro_batch_size,
            seed=data.seed,
        )
        trainer = hf.loss_trainer(
            rows,
            collate,
            loss,
            arguments,
            model=lm,
            processing_class=tokenizer,
            callbacks=[
                hf.progress_callback(data.progress),
                hf.log_callback(data, {"loss": "loss"}),
            ],
        )
        hf.fit(trainer, checkpoints, name, data.log)
        return hf.save_trained(trainer.model, tokenizer, model, directory / "model")
