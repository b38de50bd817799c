"""Divergence ends in one line, and Ctrl-C saves a checkpoint, with every trainer."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from saysel.errors import StageError
from saysel.interfaces import Trainer
from saysel.records import ModelRef, Response
from saysel.testing import Data, Steps
from saysel_rivals.conftuner.trainer import TokenizedBrierTrainer
from saysel_rivals.lacie.trainer import DPOTrainer

OPTIONS: dict[str, Any] = {"lora": None, "max_steps": 8, "batch_size": 4}
DPO: dict[str, Any] = {**OPTIONS, "warmup": 0}
BRIER: dict[str, Any] = {**OPTIONS, "max_tokens": 12, "warmup": 0}


@pytest.fixture(autouse=True)
def _hears_interruption() -> Iterator[None]:
    """SIGINT is heard, also where a shell in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def sampled(two_arms: Data) -> Data:
    """Training data with a sure and an unsure reply to every question."""
    drawn = [
        Response(question.id, index, f"Answer: red Confidence: {k}", None, 5)
        for question in two_arms.all_questions
        for index, k in enumerate((2, 9))
    ]
    return replace(two_arms, all_responses=drawn)


@pytest.mark.parametrize(
    "trainer",
    [DPOTrainer(**DPO, learning_rate=1e30), TokenizedBrierTrainer(**BRIER, learning_rate=1e30)],
    ids=["dpo", "tokenized_brier"],
)
def test_training_that_diverges_ends_in_one_line(
    trainer: Trainer, red: ModelRef, sampled: Data, tmp_path: Path
) -> None:
    with pytest.raises(StageError, match=r"5 updates in a row .* lower learning_rate"):
        trainer.train(red, sampled, tmp_path)


class Interrupted(Steps):
    """Progress of a process in which Ctrl-C is pressed after three steps."""

    def advance(self, units: int = 1) -> None:
        super().advance(units)
        if (self.unit, self.done) == ("steps", 3):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    "trainer",
    [DPOTrainer(**DPO, learning_rate=1e-3), TokenizedBrierTrainer(**BRIER, learning_rate=1e-3)],
    ids=["dpo", "tokenized_brier"],
)
def test_training_resumes_from_the_checkpoint_saved_at_ctrl_c(
    trainer: Trainer,
    red: ModelRef,
    sampled: Data,
    tmp_path: Path,
    same: Callable[[ModelRef, ModelRef], bool],
) -> None:
    straight = trainer.train(red, sampled, tmp_path / "straight")
    again = replace(sampled, figures=[], progress=Interrupted())

    with pytest.raises(KeyboardInterrupt):
        trainer.train(red, again, tmp_path / "resumed")
    assert again.figures[-1]["step"] == 3
    again.progress = Steps()
    resumed = trainer.train(red, again, tmp_path / "resumed")

    steps = [entry for entry in again.figures if entry["step"]]
    assert steps == [entry for entry in sampled.figures if entry["step"]]
    assert same(straight, resumed)
