"""Run one phase of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from saysel.hf.generation import generated_tokens
from saysel.interfaces import Format, Judge, Progress, Sampler, TrainingData
from saysel.records import Example, Question, Response
from saysel.stages import StageContext, read_model, write_model


@dataclass(frozen=True)
class StageData(TrainingData):
    """What the trainer may ask for, read from the run when it asks."""

    work: StageContext
    format: Format
    judge: Judge
    sampler: Sampler
    temperature: float
    seed: int
    progress: Progress

    def examples(self) -> list[Example]:
        return list(self.work.records("target", Example))

    def questions(self, split: str = "train") -> list[Question]:
        return self.work.questions(split)

    def responses(self) -> list[Response]:
        return list(self.work.records("sample", Response))

    def log(self, **values: float) -> None:
        self.work.log(**values)


def run(work: StageContext) -> dict[str, Any]:
    recipe, trainer = work.recipe, work.step.trainer
    assert trainer is not None, "a train step has a trainer"
    data = StageData(
        work,
        recipe.format,
        recipe.judge,
        recipe.sample,
        recipe.evaluate.temperature,
        recipe.seed,
        work.progress,
    )
    model = read_model(work.run, work.input("model"))
    before = generated_tokens()
    write_model(work.run, work.directory, trainer.train(model, data, work.directory))
    return {"tokens": generated_tokens() - before}
