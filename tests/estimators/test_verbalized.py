from __future__ import annotations

from typing import Any

from saysel.estimators.verbalized import VerbalizedEstimator
from saysel.records import ModelRef, Prediction
from saysel.testing import question

MODEL = ModelRef("any")
QUESTIONS = [question(id="a"), question(id="b", prompt="And of Italy?")]


def test_the_reply_says_answer_rationale_and_confidence(context: Any, calls: Any) -> None:
    reply = "Answer: Paris Self-reflection: I am sure. Confidence: 9"

    first, second = VerbalizedEstimator().estimate(MODEL, QUESTIONS, context(reply))

    assert first == Prediction("a", reply, "Paris", "I am sure.", 0.9, tokens=4)
    assert second.question_id == "b"
    # One reply each, decoded at the temperature of the evaluation.
    assert calls == [(0.3, 1, 7, [one.prompt for one in QUESTIONS])]


def test_what_cannot_be_read_stays_unread(context: Any) -> None:
    (found,) = VerbalizedEstimator().estimate(MODEL, QUESTIONS[:1], context("I am lost."))

    assert found == Prediction("a", "I am lost.", None, None, None, tokens=4)


def test_it_draws_one_reply() -> None:
    assert VerbalizedEstimator().replies() == 1
