from __future__ import annotations

from typing import Any

import pytest

from saysel.estimators.self_consistency import SelfConsistencyEstimator
from saysel.records import ModelRef, Prediction, ReplyCounts
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
        confidence=2 / 5,  # unreadable replies count in the denominator
        tokens=5 * 4,
        shares={"Paris": 2 / 5, "Rome": 1 / 5, "Oslo": 1 / 5},
        distinct_texts=5,
        reply_counts=ReplyCounts(replies=5, no_answer=1, sampled=1),
    )


def test_stated_confidences_do_not_count(context: Any) -> None:
    assert estimate(context, "Answer: Rome Confidence: 0").confidence == 1.0


def test_it_counts_different_texts(context: Any) -> None:
    assert estimate(context, *["Answer: Rome"] * 5).distinct_texts == 1
    assert estimate(context, "Answer: Rome", "Answer:  Rome").distinct_texts == 2
    assert estimate(context, "Answer: Rome").distinct_texts is None


def test_without_any_answer_there_is_no_confidence(context: Any) -> None:
    found = estimate(context, "…", "…")

    assert (found.answer, found.confidence, found.shares) == (None, None, {})


@pytest.mark.parametrize(("own", "used"), [(None, 1.0), (0.5, 0.5)])
def test_temperature(own: float | None, used: float, context: Any, calls: Any) -> None:
    estimate(context, *REPLIES, temperature=own)

    assert [(temperature, n, seed) for temperature, n, seed, _ in calls] == [(used, 5, 7)]


def test_it_draws_n_replies() -> None:
    assert SelfConsistencyEstimator(n=7).replies() == 7


@pytest.mark.parametrize(
    ("replies", "answer", "confidence"),
    [
        # Two say Rome with 1.2 of 1.9 in all, three Paris with .7.
        (("Rome 9", "Paris 3", "Paris 2", "Paris 2", "Rome 3"), "Rome", 1.2 / 1.9),
        # What states nothing weighs nothing, below the line too.
        (("Rome 6", "Paris", "Paris", "Oslo 2"), "Rome", 0.6 / 0.8),
        (("Rome", "Paris", "Paris"), "Paris", None),
        (("Rome 0", "Paris 0", "Paris 0"), "Paris", None),
        (("Paris 1", "Paris 2", "Paris 7"), "Paris", 1.0),
    ],
)
def test_weighted_by_what_the_replies_state(
    replies: tuple[str, ...], answer: str, confidence: float | None, context: Any
) -> None:
    told = [f"Answer: {one.replace(' ', ' Confidence: ')}" for one in replies]

    found = estimate(context, *told, weight="confidence")

    assert found.answer == answer
    assert found.confidence == pytest.approx(confidence)
    assert found.tokens == 4 * len(replies)


def test_a_confidence_without_an_answer_counts_below_the_line(context: Any) -> None:
    found = estimate(
        context, "Answer: Rome Confidence: 6", "So. Confidence: 4", weight="confidence"
    )

    assert found.confidence == pytest.approx(0.6)
