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

from saysel.costs import ledger
from saysel.costs.ledger import Ledger
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
from saysel.stages.shards import (
    Layout,
    LiveProgress,
    Shard,
    ShardTask,
    Tick,
    batches,
    map_shards,
)
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
    def replies_by_split(self) -> dict[str, int]:
        """How many replies the model gives to each question, by split."""
        fitting = dict.fromkeys(self.estimator.splits(), self.estimator.fitting_replies())
        return {**fitting, self.recipe.evaluate.split: self.estimator.replies()}

    def splits(self) -> tuple[str, ...]:
        return (*example_splits(self.format), *self.replies_by_split)

    def work(self) -> Amount:
        return evaluation_work(self.recipe, self.replies_by_split)

    def requests(self) -> Iterator[RequestEstimate]:
        return evaluation_requests(
            self.name, self.recipe, self.format, self.estimator.chats, self.replies_by_split
        )

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
        fitting = fitted_on * self.estimator.fitting_replies()
        context.progress.begin(count * replies + fitting, layout.unit)
        model = context.model(self.inputs["model"])
        estimator = self._fitted(model) if count else self.estimator
        context.progress.advance(fitting)
        live = LiveProgress(context.progress, layout.units)
        ask = ShardTask(AskShard(recipe, self.format, estimator, model), ledger.current(), live)
        began = monotonic()
        map_shards(
            JudgeShard(recipe),
            self._answered(ask, questions, layout, missing, drawn),
            layout,
            stored,
            engine=recipe.engine,
            progress=live,
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

    def _fitted(self, model: ModelRef) -> Estimator:
        """The estimator, fitted where the engine has the model."""
        fit = FitEstimator(self.recipe, self.format, model, ledger.current())
        (estimator,) = self.recipe.engine.map(fit, [self.estimator])
        return estimator

    def _answered(
        self,
        ask: ShardTask,
        questions: Sequence[Question],
        layout: Layout,
        missing: Sequence[int],
        drawn: Shards,
    ) -> Iterator[tuple[Question, Prediction | None]]:
        """Each question with the model's reply; `None` if it is judged already.

        Args:
            missing: the shards that are not judged.
            drawn: keeps the predictions before they are judged, should the judge fail.
        """
        shards = [
            Shard(number, part) for number, part in enumerate(batches(questions, layout.size))
        ]
        unasked = [number for number in missing if not drawn.has(number)]
        arriving = self.recipe.engine.map(ask, [shards[number] for number in unasked])
        for number, part in shards:
            if number not in missing:
                yield from ((question, None) for question in part)
                continue
            if number in unasked:
                _, _, predictions = next(arriving)
                drawn.write(number, predictions)
            yield from zip(part, drawn.read(number), strict=True)

    def tally(self, predictions: Sequence[Prediction]) -> ReplyTally:
        """How many of the replies could be read."""
        states_confidence = self.estimator.needs_confidence()
        return tally_predictions(predictions, written_by(self.model), states_confidence)


@dataclass(frozen=True)
class FitEstimator:
    """Fits an estimator on the splits that it needs."""

    recipe: Recipe
    format: Format
    model: ModelRef
    ledger: Ledger

    def __call__(self, estimator: Estimator) -> Estimator:
        context = estimation_context(self.recipe, self.format, "evaluate", "fit")
        with self.ledger.opened():
            return estimator.fit(self.model, context)


@dataclass(frozen=True)
class AskShard:
    """Asks the questions of one shard."""

    recipe: Recipe
    format: Format
    estimator: Estimator
    model: ModelRef

    def __call__(self, number: int, questions: Sequence[Question], tick: Tick) -> list[Prediction]:
        context = estimation_context(self.recipe, self.format, "evaluate", number)
        predictions = []
        for prediction in self.estimator.estimate(self.model, questions, context):
            predictions.append(prediction)
            tick(1)
        return predictions


@dataclass(frozen=True)
class JudgeShard:
    """Judges the predictions of one shard."""

    recipe: Recipe

    def __call__(
        self, number: int, items: Sequence[tuple[Question, Prediction]], tick: Tick
    ) -> list[Prediction]:
        questions, predictions = zip(*items, strict=True)
        return judged(self.recipe, questions, predictions)
