from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from saysel import testing
from saysel.errors import StageError
from saysel.interfaces import EstimationContext, Estimator, Judge
from saysel.recipes.recipe import Recipe
from saysel.records import ModelRef, Prediction, Question
from saysel.stages.evaluate import EvaluateShard
from saysel.storage import Shards

drawn: list[str] = []


class Draws(Estimator):
    """Notes what it is asked."""

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        for question in questions:
            drawn.append(question.id)
            yield Prediction(question.id, "Paris", "Paris", None, 0.1 + 0.2, tokens=1)


class Fails(Judge):
    """A server that is down."""

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        raise StageError("the judge is down")


def test_predictions_are_kept_if_the_judge_fails(tmp_path: Path) -> None:
    recipe = Recipe.model_validate({"name": "mine", "source": "witness"})
    asked = [testing.question(id=str(number)) for number in range(3)]
    ticks: list[int] = []
    kept = Shards(tmp_path / "drawn", Prediction)

    def evaluate(judged_by: Recipe) -> list[Prediction]:
        shard = EvaluateShard(judged_by, judged_by.format, Draws(), ModelRef("any"), kept)
        return shard(0, asked, ticks.append)

    for _ in range(2):
        with pytest.raises(StageError, match="the judge is down"):
            evaluate(recipe.model_copy(update={"judge": Fails()}))
    predictions = evaluate(recipe)

    assert drawn == ["0", "1", "2"]
    assert ticks == [1, 1, 1]
    assert [prediction.correct for prediction in predictions] == [1.0] * 3
    assert predictions[0].confidence == 0.1 + 0.2
