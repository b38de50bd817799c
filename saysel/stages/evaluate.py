"""Ask a model the held-out questions and judge what it says.

Deviation from the paper's code: the parsed answer is judged, not the whole text, and a confidence
that cannot be read stays missing instead of becoming 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from saysel.interfaces import EstimationContext
from saysel.plan import Step
from saysel.records import ModelRef, Prediction, Question
from saysel.stages import Work, chunks, read_model, seed_of
from saysel.storage import Shards

#: Replies in a shard.
SHARD = 5_000


@dataclass(frozen=True)
class EvaluateShard:
    """Estimates and judges one shard; can be sent to another process."""

    step: Step
    model: ModelRef

    def __call__(self, item: tuple[int, Sequence[Question]]) -> tuple[int, list[Prediction]]:
        number, questions = item
        recipe, estimator = self.step.recipe, self.step.estimator
        assert estimator is not None, "an evaluate step has an estimator"
        context = EstimationContext(
            recipe.sample,
            recipe.format,
            recipe.cluster,
            recipe.evaluate.temperature,
            seed_of("evaluate", recipe.seed, number),
        )
        predictions = list(estimator.estimate(self.model, questions, context))
        pairs = list(zip(questions, predictions, strict=True))
        # No readable answer: wrong, without asking the judge.
        answered = [(q, p.answer) for q, p in pairs if p.answer is not None]
        verdicts = iter(recipe.judge.judge(answered))
        return number, [
            replace(p, correct=0.0 if p.answer is None else next(verdicts)) for _, p in pairs
        ]


def run(work: Work) -> dict[str, Any]:
    recipe, estimator = work.recipe, work.step.estimator
    assert estimator is not None, "an evaluate step has an estimator"
    questions = work.questions(recipe.evaluate.split)
    shards = list(enumerate(chunks(questions, max(1, SHARD // estimator.replies()))))
    stored = Shards(work.directory, Prediction)
    missing = [shard for shard in shards if not stored.has(shard[0])]
    count = sum(len(part) for _, part in missing)
    work.progress.begin(count * estimator.replies(), "replies")
    evaluate = EvaluateShard(work.step, read_model(work.run, work.input("model")))
    for number, predictions in recipe.engine.map(evaluate, missing):
        stored.write(number, predictions)
        work.progress.advance(len(predictions) * estimator.replies())
    found = list(stored)
    return {
        "questions": len(questions),
        "tokens": sum(prediction.tokens for prediction in found),
        "unjudged": sum(prediction.correct is None for prediction in found),
    }
