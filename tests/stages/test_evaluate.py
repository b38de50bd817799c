from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from saysel.errors import StageError
from saysel.interfaces import EstimationContext, Estimator, Judge
from saysel.plan.context import NoProgress, StageContext, no_log
from saysel.plan.plan import plan
from saysel.recipes.recipe import Recipe
from saysel.records import ModelRef, Prediction, Question
from saysel.stages import evaluate
from saysel.stages.evaluate import EvaluateStage
from saysel.stages.model import ModelStage
from saysel.storage import Shards, finish
from saysel.storage.models import write_model

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
    """Judges as many shards as are left, then its server is down."""

    left: int

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        judged.append(len(items))
        if len(judged) > self.left:
            raise StageError("the judge is down")
        return [1.0] * len(items)


judged: list[int] = []


@pytest.fixture
def context(tmp_path: Path) -> StageContext:
    return StageContext(tmp_path, tmp_path / "evaluate", NoProgress(), no_log)


def evaluation(judge: object, context: StageContext) -> EvaluateStage:
    """The step that evaluates eight questions of a witness in shards of three."""
    recipe = Recipe.model_validate(
        {
            "name": "mine",
            "source": {"use": "witness", "heldout": 8},
            "judge": judge,
            "leaks": "allow",
            "evaluate": {"estimators": [Draws()]},
        }
    )
    (step,) = (step for step in plan(recipe).of(EvaluateStage) if step.model == "base")
    model = step.inputs["model"]
    assert isinstance(model, ModelStage)
    directory = model.directory_in(context.run_directory)
    directory.mkdir(parents=True, exist_ok=True)
    write_model(context.run_directory, directory, ModelRef("any"))
    finish(directory, {})
    return step


def test_predictions_are_kept_if_the_judge_fails(
    context: StageContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "REPLIES_PER_SHARD", 3)
    drawn.clear()
    judged.clear()
    for left, asked in ((1, 6), (1, 6), (9, 8)):
        step = evaluation(Fails(left=left), context)
        if left == 1:
            with pytest.raises(StageError, match="the judge is down"):
                step.run(context)
        else:
            assert step.run(context)["questions"] == 8
        assert len(drawn) == len(set(drawn)) == asked

    assert judged == [3, 3, 3, 3, 2]  # a shard is judged before the next one is asked
    predictions = list(Shards(context.directory, Prediction))
    assert [prediction.question_id for prediction in predictions] == drawn
    assert [prediction.correct for prediction in predictions] == [1.0] * 8
    assert predictions[0].confidence == 0.1 + 0.2
    assert not (context.directory / "drawn").exists()
