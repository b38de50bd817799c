from __future__ import annotations

from typing import Any

import pytest

from saysel.estimators.verbalized_consistency import VerbalizedConsistencyEstimator
from saysel.records import ModelRef, Prediction
from saysel.testing import question

REPLIES = (
    "Answer: Rome Confidence: 10",
    "Answer: Paris Self-reflection: So I read. Confidence: 2",
    "nothing to read",
    "Answer: paris. Confidence: 9",
    "Answer: Paris",
)


def estimate(context: Any, *replies: str) -> Prediction:
    estimator = VerbalizedConsistencyEstimator(n=len(replies))
    assert estimator.replies() == len(replies)
    (prediction,) = estimator.estimate(ModelRef("any"), [question()], context(*replies))
    return prediction


def test_the_mean_of_what_the_agreeing_replies_state(context: Any) -> None:
    found = estimate(context, *REPLIES)

    assert (found.answer, found.rationale, found.tokens) == ("Paris", "So I read.", 20)
    assert found.confidence == pytest.approx((0.2 + 0.9) / 2)
    assert found.shares == {"Paris": 3 / 5, "Rome": 1 / 5}


@pytest.mark.parametrize("n", range(1, 11))
def test_how_many_agree_is_not_in_the_confidence(n: int, context: Any) -> None:
    replies = ["Answer: Paris Confidence: 9"] * n

    assert estimate(context, *replies).confidence == 0.9


def test_no_stated_confidence_is_none(context: Any) -> None:
    assert estimate(context, "Answer: Rome", "Answer: Rome").confidence is None
    assert estimate(context, "…", "Confidence: 9").answer is None
    assert estimate(context, "…", "Confidence: 9").confidence is None
