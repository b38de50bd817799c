from __future__ import annotations

import re
from typing import Any

import pytest

from saysel.errors import UsageError
from saysel.estimators.p_true import PTrueEstimator
from saysel.interfaces import EstimationContext
from saysel.records import ModelRef, Prediction
from saysel.testing import question

MODEL = ModelRef("any")
REPLY = "Answer: Paris Self-reflection: I am sure. Confidence: 9"


def estimate(context: EstimationContext, **options: Any) -> Prediction:
    (prediction,) = PTrueEstimator(**options).estimate(MODEL, [question()], context)
    return prediction


def test_the_share_of_right_in_the_two_verdicts(context: Any) -> None:
    found = estimate(context(REPLY, odds={"Right": 0.3, "Wrong": 0.1}))

    assert found.confidence == pytest.approx(0.3 / (0.3 + 0.1))
    assert (found.answer, found.rationale, found.response) == ("Paris", "I am sure.", REPLY)
    assert found.tokens == 4


def test_what_the_model_is_shown(context: Any, calls: Any) -> None:
    estimate(context(REPLY, odds={}))

    (_, _, _, asked), (_, _, _, shown) = calls
    assert asked == [question().prompt]
    assert shown == 2 * [
        "Question: What is the capital of France?\n"
        "Proposed answer: Paris\n"
        "Is the proposed answer right or wrong? Reply with one word, Right or Wrong."
    ]


def test_a_proposed_answer_is_not_one_of_the_verdicts(context: Any, calls: Any) -> None:
    odds = {"Right": 0.2, "Wrong": 0.6, "True": 0.9, "False": 0.01}

    for proposed in ("false", "true", "no"):
        found = estimate(context(f"Answer: {proposed} Confidence: 9", odds=odds))

        assert found.confidence == pytest.approx(0.2 / 0.8)
        shown = calls[-1][3][0].partition(f"Proposed answer: {proposed}\n")[2]
        assert not re.search(r"\b(true|false|yes|no)\b", shown, re.IGNORECASE)


def test_ideas_are_shown_once_each_and_paid_for(context: Any, calls: Any) -> None:
    replies = (REPLY, "…", "Answer: Rome", "Answer: Rome")

    found = estimate(context(*replies, odds={}), ideas=4)

    assert found.tokens == 4 + 4 * 4
    assert PTrueEstimator(ideas=4).replies() == 5
    assert "Some ideas that came to mind: Paris; Rome\nProposed" in calls[-1][3][0]
    # Ideas are drawn as the recipe samples, and not the same as the answer.
    assert [call[:3] for call in calls[:2]] == [(0.3, 1, 7), (1.0, 4, 8)]


def test_own_words(context: Any, calls: Any) -> None:
    found = estimate(
        context("Answer: {question}", odds={"ja": 0.4, "nein": 0.1}),
        prompt="{question} {answer}?",
        yes="ja",
        no="nein",
    )

    assert found.confidence == pytest.approx(0.8)
    # What the model says is not a place to fill in.
    assert calls[-1][3][0] == "What is the capital of France? {question}?"
    with pytest.raises(ValueError, match="answer"):
        PTrueEstimator(prompt="Is it true?")


def test_words_of_any_length_and_no_chance_at_all(context: Any) -> None:
    sure = estimate(context(REPLY, odds={"Right": 1.0, "Wrong": 1e-300}))
    never = estimate(context(REPLY, odds={"Right": 1e-300, "Wrong": 1.0}))

    assert sure.confidence == 1 and never.confidence == pytest.approx(0, abs=1e-200)


def test_without_an_answer_nothing_is_asked(context: Any, calls: Any) -> None:
    found = estimate(context("I am lost.", odds={}))

    assert (found.answer, found.confidence, found.tokens) == (None, None, 4)
    assert calls[-1][3] == []


def test_it_says_what_is_missing(context: Any) -> None:
    assert PTrueEstimator().needs_logprobs()
    with pytest.raises(UsageError, match="the sampler 'recites' gives no log-probabilities"):
        estimate(context(REPLY))
