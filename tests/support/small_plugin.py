"""A plugin with one minimal component for each kind that tests need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

import saysel
from saysel.interfaces import (
    EstimationContext,
    Estimator,
    Model,
    NotFingerprinted,
    RewardFn,
    Sampler,
    Source,
    Trainer,
    TrainingData,
)
from saysel.records import Generation, ModelRef, Prediction, Question


class SmallModel(Model):
    """A directory that exists already."""

    path: str = "here"

    def prepare(self, *args: Any) -> ModelRef:
        return ModelRef(self.path)


class SmallSource(Source):
    """Sums of two digits."""

    train: int = Field(100, ge=1, description="questions to train on")

    def questions(self, split: str) -> list[Question]:
        return [Question(f"{split}-{i}", f"{i} + 1?", (str(i + 1),)) for i in range(self.train)]

    def smoke(self) -> SmallSource:
        return self.model_copy(update={"train": min(self.train, 4)})


class SmallSampler(Sampler):
    """Always returns the same response."""

    batch_size: NotFingerprinted[int] = Field(8, ge=1, le=64, description="prompts at a time")

    def sample(
        self, model: ModelRef, prompts: Sequence[Any], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        return iter([[Generation("1", 1)] * n for _ in prompts])


class SmallReward(RewardFn):
    """Mean of other rewards, times a weight."""

    weight: float = Field(1.0, gt=0, description="factor")
    members: tuple[RewardFn, ...] = ()

    def reward(self, correct: Sequence[float], confidence: Sequence[float | None]) -> list[float]:
        return [self.weight for _ in correct]


class SmallTrainer(Trainer):
    """Returns the model unchanged."""

    steps: int = Field(10, ge=1, description="training steps")
    learning_rate: float = Field(1e-5, gt=0, description="step size")
    reward: RewardFn = Field("quadratic", validate_default=True, description="what is learned")
    critic: RewardFn | None = None

    def train(self, model: ModelRef, data: TrainingData, directory: Path) -> ModelRef:
        return model

    def work(self, examples: int) -> tuple[int, str]:
        return self.steps, "steps"

    def smoke(self) -> SmallTrainer:
        return self.model_copy(update={"steps": 1})


class SmallEstimator(Estimator):
    """Always states confidence 1."""

    n: int = Field(1, ge=1)

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        return (Prediction(question.id, "1", "1", None, 1.0) for question in questions)


NAME = "tests.support.small_plugin"
#: A recipe of these components.
RECIPE: dict[str, Any] = {
    "name": "mine",
    "model": {"use": "small", "path": "."},
    "source": "small",
    "train": ["small"],
    "evaluate": {"estimators": ["small"], "metrics": ["brier"]},
    "sample": "small",
    "leaks": "allow",
}


@saysel.hookimpl
def saysel_models() -> dict[str, str]:
    return {"small": f"{NAME}:SmallModel"}


@saysel.hookimpl
def saysel_sources() -> dict[str, str]:
    return {"small": f"{NAME}:SmallSource"}


@saysel.hookimpl
def saysel_samplers() -> dict[str, str]:
    return {"small": f"{NAME}:SmallSampler"}


@saysel.hookimpl
def saysel_rewards() -> dict[str, str]:
    return {"small": f"{NAME}:SmallReward"}


@saysel.hookimpl
def saysel_trainers() -> dict[str, str]:
    return {"small": f"{NAME}:SmallTrainer"}


@saysel.hookimpl
def saysel_estimators() -> dict[str, str]:
    return {"small": f"{NAME}:SmallEstimator"}
