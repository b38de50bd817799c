"""Ask a model the held-out questions and judge what it says.

Deviation from the paper's code: the parsed answer is judged, not the whole text, and a confidence
that cannot be read stays missing instead of becoming 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from shutil import rmtree
from time import monotonic
from typing import Any

from saysel.costs import ledger
from saysel.costs.ledger import Ledger
from saysel.interfaces import Estimator
from saysel.recipes.recipe import Recipe
from saysel.records import ModelRef, Prediction, Question
from saysel.stages import StageContext, chunks, context_of, judged, judged_on, read_model
from saysel.storage import Shards

#: Replies in a shard.
SHARD = 5_000


@dataclass(frozen=True)
class EvaluateShard:
    """Estimates and judges one shard; can be sent to another process."""

    recipe: Recipe
    estimator: Estimator
    model: ModelRef
    ledger: Ledger
    drawn: Shards

    def __call__(self, item: tuple[int, Sequence[Question]]) -> tuple[int, list[Prediction]]:
        number, asked = item
        context = context_of(self.recipe, "evaluate", number)
        with self.ledger.opened():
            # What was drawn is kept, should the judge fail.
            if not self.drawn.has(number):
                self.drawn.write(number, list(self.estimator.estimate(self.model, asked, context)))
            return number, judged(self.recipe, asked, list(self.drawn.read(number)))


def run(work: StageContext) -> dict[str, Any]:
    recipe, estimator = work.recipe, work.step.estimator
    assert estimator is not None, "an evaluate step has an estimator"
    asked = judged_on(work.run, recipe)
    shards = list(enumerate(chunks(asked, max(1, SHARD // estimator.replies()))))
    stored = Shards(work.directory, Prediction)
    missing = [shards[number] for number in stored.missing(len(shards))]
    count = sum(len(part) for _, part in missing)
    splits = estimator.splits() if missing else ()
    fitted_on = sum(len(work.questions(split)) for split in splits)
    work.progress.begin((count + fitted_on) * estimator.replies(), "replies")
    model = read_model(work.run, work.input("model"))
    if missing:
        estimator = estimator.fit(model, context_of(recipe, "evaluate", "fit"))
    if fitted_on:
        work.progress.advance(fitted_on * estimator.replies())
    began = monotonic()
    drawn = Shards(work.directory / "drawn", Prediction)
    begun = any(drawn.has(number) for number, _ in missing)
    evaluate = EvaluateShard(recipe, estimator, model, ledger.current(), drawn)
    for number, predictions in recipe.engine.map(evaluate, missing):
        stored.write(number, predictions)
        work.progress.advance(len(predictions) * estimator.replies())
    seconds = monotonic() - began
    found = list(stored)
    rmtree(drawn.directory, ignore_errors=True)
    return {
        "questions": len(asked),
        # From loading the model to judging the answers, where this process did all of that.
        "seconds_per_question": seconds / count if count and not begun else None,
        "tokens": sum(prediction.tokens for prediction in found),
        "unjudged": sum(prediction.correct is None for prediction in found),
    }
