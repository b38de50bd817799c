"""Run one phase of training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from saysel.errors import StageError
from saysel.hf import processes
from saysel.interfaces import Format, Judge, Progress, Sampler, Trainer, TrainingData
from saysel.plan.context import StageContext, without_output
from saysel.plan.estimates import (
    Amount,
    RequestEstimate,
    component_requests,
    expected_questions,
    question_count,
    question_tokens,
    reply_limit,
)
from saysel.plan.fingerprint import identity
from saysel.plan.stage import BASE, Cell, Stage
from saysel.recipes.phases import phases
from saysel.recipes.questions import questions as questions_of
from saysel.records import Example, ModelRef, Question, Response
from saysel.replies.without_example import no_examples
from saysel.stages.target import TargetStage
from saysel.storage import finished


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainStage(Stage):
    """Run one phase of training."""

    stage: ClassVar[str] = "train"
    makes_model: ClassVar[bool] = True
    trains: ClassVar[bool] = True

    trainer: Trainer

    @classmethod
    def cell_steps(cls, cell: Cell) -> Iterable[Stage]:
        """One step per phase; each trains the model of the phase before it."""
        latest = cell.models()[BASE]
        for name, trainer in phases(cell.recipe.train):
            (target,) = cell.of(TargetStage)
            inputs = {"model": latest, "target": target, "sample": target.inputs["sample"]}
            latest = cls(recipe=cell.recipe, inputs=inputs, model=name, trainer=trainer)
            yield latest

    @property
    def name(self) -> str:
        return f"train-{self.model}"

    def content(self) -> dict[str, Any]:
        content = {"trainer": identity(self.trainer), "seed": self.recipe.seed}
        if self.trainer.uses_eval_temperature:
            content["temperature"] = self.recipe.evaluate.temperature
        return content

    def splits(self) -> tuple[str, ...]:
        return ("train", *self.trainer.splits())

    def work(self) -> Amount:
        """Every training question is counted as an example."""
        return Amount(*self.trainer.work(question_count(self.recipe, "train")))

    def requests(self) -> Iterator[RequestEstimate]:
        recipe = self.recipe
        questions = [
            question
            for split in self.trainer.splits()
            for question in expected_questions(recipe, split)
        ]
        judged = self.trainer.max_judge_calls(len(questions), recipe.sample.n)
        each = question_tokens(questions) // max(1, len(questions)) + reply_limit(recipe.sample)
        return component_requests(
            self.name, recipe, recipe.judge, requests=judged, tokens=judged * each
        )

    def run(self, context: StageContext) -> dict[str, Any]:
        lead = partial(self.train, context)
        (trained, tokens), others = (
            processes.together(lead, follow=partial(self.train, without_output(context)))
            if self.trainer.in_every_process
            else (lead(), [])
        )
        context.keep_model(trained)
        return {"tokens": tokens + sum(other_tokens for _, other_tokens in others)}

    def train(self, context: StageContext) -> tuple[ModelRef, int]:
        """Train in this process; the model and the number of tokens generated."""
        from saysel.hf.generation import generated_tokens

        recipe = self.recipe
        data = StageData(
            step=self,
            context=context,
            format=recipe.format,
            judge=recipe.judge,
            sampler=recipe.sample,
            temperature=recipe.evaluate.temperature,
            seed=recipe.seed,
            progress=context.progress,
        )
        tokens_before = generated_tokens()
        model = context.model(self.inputs["model"])
        trained = self.trainer.train(model, data, context.directory)
        return trained, generated_tokens() - tokens_before


@dataclass(frozen=True)
class StageData(TrainingData):
    """What the trainer may ask for, read from the run when it asks."""

    step: TrainStage
    context: StageContext
    format: Format
    judge: Judge
    sampler: Sampler
    temperature: float
    seed: int
    progress: Progress

    def examples(self) -> list[Example]:
        """See the interface.

        Raises:
            StageError: the target stage has written none.
        """
        target = self.step.inputs["target"]
        examples = list(self.context.records(target, Example))
        if not examples:
            record = finished(target.directory_in(self.context.run_directory)) or {}
            raise StageError(no_examples(self.step.trainer.use, record))
        return examples

    def questions(self, split: str = "train") -> list[Question]:
        return questions_of(self.step.recipe, split)

    def responses(self) -> list[Response]:
        return list(self.context.records(self.step.inputs["sample"], Response))

    def log(self, **values: float) -> None:
        self.context.log(**values)
