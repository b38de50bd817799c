"""Training stops in one line where it cannot teach, and skips updates that are not finite."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import PrivateAttr

from saysel.errors import StageError
from saysel.hf import interruption
from saysel.hf.update_guard import MAX_SKIPPED_IN_A_ROW, UpdateGuard
from saysel.interfaces import RewardFn, Trainer
from saysel.records import Example, ModelRef
from saysel.rewards.quadratic import QuadraticReward
from saysel.testing import Data, Steps
from saysel.trainers.grpo import GRPOTrainer
from saysel.trainers.ppo.trainer import PPOTrainer
from saysel.trainers.sft import SFTTrainer
from tests.trainers.two_arms import FORMAT, same, weights

SAMPLED: dict[str, Any] = {"steps": 8, "batch_size": 8, "max_tokens": 12, "learning_rate": 1e-3}
PPO: dict[str, Any] = {**SAMPLED, "mini_batch_size": 4, "lora": None}
GRPO: dict[str, Any] = {**SAMPLED, "replies": 4, "temperature": 1.0, "lora": None}
SFT: dict[str, Any] = {"lora": None, "learning_rate": 1e-3, "batch_size": 4, "max_steps": 12}


@pytest.fixture(autouse=True)
def _hears_interruption() -> Iterator[None]:
    """SIGINT is heard, also where a shell in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def data(two_arms: Data) -> Data:
    """Training data with examples."""
    learned = [
        Example(question.id, tuple(FORMAT.prompt(question)), FORMAT.render("blue", None, 0.3), 0.3)
        for question in two_arms.all_questions
    ]
    return replace(two_arms, all_examples=learned)


class NotFinite(RewardFn):
    """A reward that is sometimes not a number."""

    use: str = "broken"

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        return [float("nan") if y else float("inf") for y in correct]


@pytest.mark.parametrize(
    "trainer",
    [
        PPOTrainer(**PPO, reward=NotFinite()),
        PPOTrainer(**PPO, reward=NotFinite(), confidences="expected"),
        GRPOTrainer(**GRPO, reward=NotFinite()),
    ],
    ids=["ppo sampled", "ppo expected", "grpo"],
)
def test_a_reward_that_is_not_finite_stops_training(
    trainer: Trainer, red: ModelRef, data: Data, tmp_path: Path
) -> None:
    before = weights(red)

    with pytest.raises(StageError, match=r"the reward 'broken' returned (nan|inf) .*Answer: red"):
        trainer.train(red, data, tmp_path)

    assert data.figures == []
    assert all(torch.equal(before[name], value) for name, value in weights(red).items())


class Unreadable(type(FORMAT)):  # type: ignore[misc]
    """A format in which nothing that the model says can be read."""

    def parse(self, text: str, cut: bool = False) -> Any:
        return super().parse("")


@pytest.mark.parametrize("trainer", [PPOTrainer(**PPO), GRPOTrainer(**GRPO)], ids=["ppo", "grpo"])
def test_training_stops_where_nothing_can_be_read(
    trainer: Trainer, red: ModelRef, data: Data, tmp_path: Path
) -> None:
    data.format = Unreadable(instruction="")

    with pytest.raises(StageError, match=r"no reply of the last 5 batches .*'Answer: red.*'Answer"):
        trainer.train(red, data, tmp_path)

    assert [entry["step"] for entry in data.figures] == [1, 2, 3, 4]
    for entry in data.figures:
        assert entry["no_answer"] == entry["no_confidence"] == entry["replies"] > 0


@pytest.mark.parametrize(
    "trainer",
    [PPOTrainer(**{**PPO, "checkpoint_every": 1}), GRPOTrainer(**{**GRPO, "checkpoint_every": 1})],
    ids=["ppo", "grpo"],
)
def test_a_phase_that_stopped_resumes_before_its_replies_became_unreadable(
    trainer: Trainer, red: ModelRef, data: Data, tmp_path: Path
) -> None:
    readable, data.format = data.format, Unreadable(instruction="")

    for _ in range(2):  # the same command stops at the same step again
        with pytest.raises(StageError, match="with a changed option, this phase starts again"):
            trainer.train(red, data, tmp_path)
    data.format = readable
    trainer.train(red, data, tmp_path)

    steps = [entry["step"] for entry in data.figures]
    assert steps[:9] == [1, 2, 3, 4, 1, 2, 3, 4, 1] and steps[-1] == trainer.work(0)[0]


@pytest.mark.parametrize(
    "trainer",
    [
        SFTTrainer(**{**SFT, "learning_rate": 1e30, "warmup": 0}),
        PPOTrainer(**{**PPO, "learning_rate": 1e30, "epochs": 5}),
        GRPOTrainer(**{**GRPO, "learning_rate": 1e30}),
    ],
    ids=["sft", "ppo", "grpo"],
)
def test_training_that_diverges_ends_in_one_line(
    trainer: Trainer, red: ModelRef, data: Data, tmp_path: Path
) -> None:
    with pytest.raises(StageError, match="learning_rate"):
        trainer.train(red, data, tmp_path)

    for entry in data.figures:
        assert all(value == value for value in entry.values())


def test_updates_that_are_not_finite_are_skipped_and_counted() -> None:
    guard = UpdateGuard("sft")
    nan, infinity = float("nan"), float("inf")

    assert guard.allows(loss=1.0, gradient_norm=2.0)
    for _ in range(3):  # never too many in a row
        for _ in range(MAX_SKIPPED_IN_A_ROW - 1):
            assert not guard.allows(loss=1.0, gradient_norm=infinity)
        assert guard.allows(loss=1.0, gradient_norm=2.0)
    for _ in range(MAX_SKIPPED_IN_A_ROW - 1):
        assert not guard.allows(loss=nan, gradient_norm=2.0)
    with pytest.raises(StageError, match=r"sft: 5 updates in a row .* loss nan, gradient_norm 2\)"):
        guard.allows(loss=nan, gradient_norm=2.0)
    assert guard.skipped == 4 * MAX_SKIPPED_IN_A_ROW - 3


class Once(QuadraticReward):
    """The quadratic reward, but enormous for the first batch: the loss overflows."""

    _calls: int = PrivateAttr(0)

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        self._calls += 1
        scale = 3e38 if self._calls == 1 else 1.0
        return [scale * value for value in super().reward(correct, confidence)]


def test_a_single_bad_batch_leaves_finite_weights(
    red: ModelRef, data: Data, tmp_path: Path
) -> None:
    options = {**PPO, "batch_size": 8, "mini_batch_size": 8, "epochs": 1, "whiten": False}

    trained = PPOTrainer(**options, reward=Once()).train(red, data, tmp_path)

    assert [entry.get("skipped_updates") for entry in data.figures] == [1.0] + [None] * 7
    assert all(bool(value.isfinite().all()) for value in weights(trained).values())
    assert not same(trained, red)


class Interrupted(Steps):
    """Progress of a process in which Ctrl-C is pressed after some steps."""

    def __init__(self, after: int, times: int = 1) -> None:
        self.after, self.times = after, times

    def advance(self, units: int = 1) -> None:
        super().advance(units)
        if self.done == self.after:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize(
    "trainer",
    [SFTTrainer(**SFT), PPOTrainer(**PPO), GRPOTrainer(**GRPO)],
    ids=["sft", "ppo", "grpo"],
)
def test_training_resumes_from_the_checkpoint_saved_at_ctrl_c(
    trainer: Trainer, red: ModelRef, data: Data, tmp_path: Path
) -> None:
    straight = trainer.train(red, data, tmp_path / "straight")
    again = replace(data, figures=[], progress=Interrupted(3))

    with pytest.raises(KeyboardInterrupt):
        trainer.train(red, again, tmp_path / "resumed")
    assert [entry["step"] for entry in again.figures] == [1, 2, 3]
    again.progress = Steps()
    resumed = trainer.train(red, again, tmp_path / "resumed")

    assert [entry["step"] for entry in again.figures] == [entry["step"] for entry in data.figures]
    assert again.figures == data.figures
    assert same(straight, resumed)


def test_ctrl_c_twice_stops_at_once(red: ModelRef, data: Data, tmp_path: Path) -> None:
    data.progress = Interrupted(3, times=2)

    with pytest.raises(KeyboardInterrupt):
        SFTTrainer(**SFT).train(red, data, tmp_path)

    assert not list((tmp_path / "checkpoints").glob("*"))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_program_is_left_alone() -> None:
    def own(*_: Any) -> None: ...

    before = signal.signal(signal.SIGINT, own)
    try:
        with interruption.defer_interrupt():
            assert signal.getsignal(signal.SIGINT) is own
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)
