"""What the evaluation makes of replies that decline, whatever an estimator says about them."""

from __future__ import annotations

from saysel.recipes.recipe import Recipe
from saysel.records import Prediction
from saysel.stages.evaluation import judged
from saysel.testing import question


def test_a_declined_reply_is_judged_by_whether_there_is_an_answer_and_has_no_confidence() -> None:
    recipe = Recipe.model_validate({"name": "x", "source": "witness"})
    known, unknown = question(), question(id="u", answers=("unanswerable",))
    declined = Prediction("q", "I don't know", None, None, confidence=0.7, declined=True)
    answered = Prediction("q", "Paris", "Paris", None, confidence=0.7)

    wrong, right, correct, invented = judged(
        recipe, [known, unknown, known, unknown], [declined, declined, answered, answered]
    )

    assert (wrong.correct, wrong.confidence) == (0.0, None)
    assert (right.correct, right.confidence) == (1.0, None)
    assert (correct.correct, correct.confidence) == (1.0, 0.7)
    assert (invented.correct, invented.confidence) == (0.0, 0.7)
