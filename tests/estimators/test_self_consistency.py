from __future__ import annotations

from typing import Any

import pytest

from saysel.estimators.self_consistency import SelfConsistencyEstimator
from saysel.records import ModelRef, Prediction
from saysel.testing import question

MODEL = ModelRef("any")
REPLIES = (
    "Answer: Rome Self-reflection: Or Paris. Confidence: 9",
    "Answer: Paris Self-reflection: So I read. Confidence: 2",
    "nothing to read",
    "Answer: paris. Confidence: 8",
    "Answer: Oslo",
)


def estimate(context: Any, *replies: str, **options: Any) -> Prediction:
    estimator = SelfConsistencyEstimator(n=len(replies), **options)
    (prediction,) = estimator.estimate(MODEL, [question()], context(*replies))
    return prediction


def test_the_most_frequent_answer_with_its_share(context: Any) -> None:
    found = estimate(context, *REPLIES)

    assert found == Prediction(
        question_id="capital",
        response=REPLIES[1],
        answer="Paris",
        rationale="So I read.",
        confidence=2 / 5,  # replies that nobody can read count below the line
        tokens=5 * 4,
        shares={"Paris": 2 / 5, "Rome": 1 / 5, "Oslo": 1 / 5},
    )


def test_stated_confidences_do_not_count(context: Any) -> None:
    assert estimate(context, "Answer: Rome Confidence: 0").confidence == 1.0


def test_without_any_answer_there_is_no_confidence(context: Any) -> None:
    found = estimate(context, "…", "…")

    assert (found.answer, found.confidence, found.shares) == (None, None, {})


@pytest.mark.parametrize(("own", "used"), [(None, 1.0), (0.5, 0.5)])
def test_temperature(own: float | None, used: float, context: Any, calls: Any) -> None:
    estimate(context, *REPLIES, temperature=own)

    assert [(temperature, n, seed) for temperature, n, seed, _ in calls] == [(used, 5, 7)]


def test_it_draws_n_replies() -> None:
    assert SelfConsistencyEstimator(n=7).replies() == 7
