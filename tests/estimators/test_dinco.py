from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from saysel.errors import UsageError
from saysel.estimators.dinco import DincoEstimator
from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import EstimationContext
from saysel.records import ModelRef, Prediction
from saysel.testing import question

MODEL = ModelRef("any")
REPLIES = ("Answer: Rome", "Answer: Paris", "…", "Answer: Paris", "Answer: Oslo")
#: P(True) of Paris .75, of Rome .5, of Oslo .25.
ODDS = {
    "Paris > Right": 0.6,
    "Paris > Wrong": 0.2,
    "Rome > Right": 0.1,
    "Rome > Wrong": 0.1,
    "Oslo > Right": 0.05,
    "Oslo > Wrong": 0.15,
}


def estimate(context: EstimationContext, **options: Any) -> Prediction:
    estimator = DincoEstimator(prompt="{question} {answer}", **options)
    (prediction,) = estimator.estimate(MODEL, [question()], context)
    return prediction


@pytest.mark.parametrize(
    ("distractors", "confidence"),
    [
        (4, (0.75 / (0.75 + 0.5 + 0.25) + 2 / 5) / 2),
        (1, (0.75 / (0.75 + 0.5) + 2 / 5) / 2),
        (0, (0.75 + 2 / 5) / 2),
    ],
)
def test_the_verdict_is_divided_by_those_on_other_answers(
    distractors: int, confidence: float, context: Any, calls: Any
) -> None:
    found = estimate(context(*REPLIES, odds=ODDS), distractors=distractors)

    assert found.confidence == pytest.approx(confidence)
    assert (found.answer, found.tokens) == ("Paris", 5 * 4)
    assert found.shares == {"Paris": 0.4, "Rome": 0.2, "Oslo": 0.2}
    # Each answer is judged on its own, once.
    _, (_, _, _, judged) = calls
    answers = ["Paris", "Rome", "Oslo"][: 1 + distractors]
    assert judged == 2 * [f"{question().prompt} {answer}" for answer in answers]


def test_verdicts_that_add_up_to_less_than_one_are_not_raised(context: Any) -> None:
    odds = {**ODDS, "Paris > Right": 0.1, "Paris > Wrong": 0.4, "Rome > Wrong": 0.9}

    found = estimate(context(*REPLIES, odds=odds))

    assert found.confidence == pytest.approx((0.2 + 2 / 5) / 2)


def test_without_an_answer_nothing_is_judged(context: Any, calls: Any) -> None:
    found = estimate(context("…", "", odds=ODDS), n=2)

    assert (found.answer, found.confidence, found.tokens) == (None, None, 8)
    assert calls[-1][3] == []


def test_every_question_gets_its_own_verdicts(context: Any) -> None:
    estimator = DincoEstimator(prompt="{question} {answer}")
    questions = [question(id="a"), question(id="b", prompt="Where?")]

    first, second = estimator.estimate(MODEL, questions, context(*REPLIES, odds=ODDS))

    assert (first.question_id, second.question_id) == ("a", "b")
    assert first.confidence == second.confidence == pytest.approx((0.5 + 0.4) / 2)


def test_it_needs_log_probabilities_and_no_stated_confidence(context: Any) -> None:
    assert DincoEstimator().needs_logprobs() and not DincoEstimator().needs_confidence()
    assert DincoEstimator(n=10).replies() == 10
    with pytest.raises(UsageError, match="the sampler 'recites' gives no log-probabilities"):
        estimate(context(*REPLIES))


def test_it_declines_if_most_replies_decline(context: Any, calls: Any) -> None:
    given = context("Answer: unsure", "Answer: unsure", "Answer: Paris", odds=ODDS)
    given = replace(given, format=SaySelfFormat(instruction="", decline="unsure"))

    found = estimate(given, n=3)

    assert (found.declined, found.answer, found.confidence) == (True, None, None)
    assert calls[-1][3] == []
