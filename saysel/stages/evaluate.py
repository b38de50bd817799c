"""Ask a model the evaluated questions and judge what it answers.

Deviation from the paper's code: the parsed answer is judged, not the whole text, and a confidence
that cannot be read stays missing instead of becoming 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from shutil import rmtree
from time import monotonic
from typing import Any, ClassVar

from saysel.interfaces import Estimator, Format
from saysel.plan.context import StageContext
from saysel.plan.estimates import (
    Amount,
    RequestEstimate,
)
from saysel.plan.fingerprint import identity
from saysel.plan.stage import BASE, Cell, Stage
from saysel.recipes.elicited import asking_format
from saysel.recipes.questions import questions as questions_of
from saysel.recipes.recipe import Recipe
from saysel.records import ModelRef, Prediction, Question
from saysel.replies.counts import ReplyTally, tally_predictions, written_by
from saysel.stages.evaluation import (
    estimation_context,
    evaluation_content,
    evaluation_questions,
    evaluation_requests,
    evaluation_work,
    example_splits,
    judged,
)
from saysel.stages.shards import Layout, Tick, map_shards
from saysel.storage import Shards

#: What a crash can cost. The shard is part of the seed: another size gives other replies.
REPLIES_PER_SHARD = 5_000


@dataclass(frozen=True, kw_only=True, eq=False)
class EvaluateStage(Stage):
    """Ask a model the evaluated questions and judge what it answers.

    Attributes:
        estimator: how answer and confidence are obtained.
        estimator_name: its name, numbered where the recipe uses it several times.
    """

    stage: ClassVar[str] = "evaluate"

    estimator: Estimator
    estimator_name: str

    @classmethod
    def cell_steps(cls, cell: Cell) -> Iterable[Stage]:
        """One step per model and estimator."""
        estimators = cell.recipe.evaluate.estimators
        for model, trained in cell.models().items():
            for index, estimator in enumerate(estimators):
                if estimator.models is not None and model not in estimator.models:
                    continue
                uses = [earlier.use for earlier in estimators[:index]].count(estimator.use)
                yield cls(
                    recipe=cell.recipe,
                    inputs={"model": trained},
                    model=model,
                    estimator=estimator,
                    estimator_name=f"{estimator.use}-{uses + 1}" if uses else estimator.use,
                )

    @property
    def name(self) -> str:
        return f"evaluate-{self.model}-{self.estimator_name}"

    def content(self) -> dict[str, Any]:
        # Which models it is used for does not change what it gives for this one.
        estimator = self.estimator.model_copy(update={"models": None})
        return {
            "estimator": identity(estimator),
            **evaluation_content(self.recipe, self.format),
        }

    @property
    def format(self) -> Format:
        """The format in which the model is asked."""
        answers_only = not self.estimator.needs_confidence()
        return asking_format(self.recipe, self.model != BASE, answers_only)

    @property
    def answered(self) -> tuple[str, ...]:
        """The splits whose questions the model answers."""
        return (*self.estimator.splits(), self.recipe.evaluate.split)

    def splits(self) -> tuple[str, ...]:
        return (*example_splits(self.format), *self.answered)

    def work(self) -> Amount:
        return evaluation_work(self.recipe, self.answered, self.estimator.replies())

    def requests(self) -> Iterator[RequestEstimate]:
        replies = self.estimator.replies()
        return evaluation_requests(self.name, self.recipe, self.format, self.answered, replies)

    def run(self, context: StageContext) -> dict[str, Any]:
        recipe, replies = self.recipe, self.estimator.replies()
        questions = evaluation_questions(context.run_directory, recipe)
        layout = Layout(
            max(1, REPLIES_PER_SHARD // replies), len(questions), "replies", units=replies
        )
        stored = Shards(context.directory, Prediction)
        drawn = Shards(context.directory / "drawn", Prediction)
        missing = stored.missing(layout.count)
        count, resumed = layout.items_in(missing), any(drawn.has(number) for number in missing)
        splits = self.estimator.splits() if count else ()
        fitted_on = sum(len(questions_of(recipe, split)) for split in splits)
        context.progress.begin((count + fitted_on) * replies, layout.unit)
        model = context.model(self.inputs["model"])
        estimator = self.estimator
        if count:
            fitting = estimation_context(recipe, self.format, "evaluate", "fit")
            estimator = estimator.fit(model, fitting)
            context.progress.advance(fitted_on * replies)
        began = monotonic()
        map_shards(
            EvaluateShard(recipe, self.format, estimator, model, drawn),
            questions,
            layout,
            stored,
            engine=recipe.engine,
            progress=context.progress,
            begin=False,
        )
        seconds = monotonic() - began
        rmtree(drawn.directory, ignore_errors=True)
        predictions = list(stored)
        return {
            "questions": len(questions),
            # From loading the model to judging the answers, where this process did all of that.
            "seconds_per_question": seconds / count if count and not resumed else None,
            "tokens": sum(prediction.tokens for prediction in predictions),
            "unjudged": sum(prediction.correct is None for prediction in predictions),
            "replies": self.tally(predictions).record(),
        }

    def tally(self, predictions: Sequence[Prediction]) -> ReplyTally:
        """How many of the replies could be read."""
        states_confidence = self.estimator.needs_confidence()
        return tally_predictions(predictions, written_by(self.model), states_confidence)


@dataclass(frozen=True)
class EvaluateShard:
    """Asks and judges the questions of one shard.

    Attributes:
        drawn: keeps the predictions before they are judged, should the judge fail.
    """

    recipe: Recipe
    format: Format
    estimator: Estimator
    model: ModelRef
    drawn: Shards

    def __call__(self, number: int, questions: Sequence[Question], tick: Tick) -> list[Prediction]:
        if not self.drawn.has(number):
            context = estimation_context(self.recipe, self.format, "evaluate", number)
            predictions = []
            for prediction in self.estimator.estimate(self.model, questions, context):
                predictions.append(prediction)
                tick(1)
            self.drawn.write(number, predictions)
        return judged(self.recipe, questions, list(self.drawn.read(number)))
