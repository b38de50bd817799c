from __future__ import annotations

from math import exp, sqrt
from typing import Any

import pytest

from saysel.errors import UsageError
from saysel.estimators.sequence_probability import SequenceProbabilityEstimator
from saysel.interfaces import EstimationContext
from saysel.records import ModelRef, Prediction
from saysel.testing import question

MODEL = ModelRef("any")
REPLY = "Saint seems likely. Answer: Saint Petersburg Self-reflection: Or Kiev. Confidence: 9"
#: Reasoning, labels and reflection are one half a word.
ODDS = {"Saint": 0.9, "Petersburg": 0.4}


def estimate(context: EstimationContext, **options: Any) -> Prediction:
    estimator = SequenceProbabilityEstimator(**options)
    (prediction,) = estimator.estimate(MODEL, [question()], context)
    return prediction


def test_the_words_of_the_answer(context: Any) -> None:
    mean = estimate(context(REPLY, odds=ODDS))
    product = estimate(context(REPLY, odds=ODDS), normalise=False)

    assert mean.confidence == pytest.approx(sqrt(0.9 * 0.4))
    assert product.confidence == pytest.approx(0.9 * 0.4)
    assert (mean.answer, mean.rationale, mean.response) == ("Saint Petersburg", "Or Kiev.", REPLY)
    assert mean.tokens == 4  # nothing is generated to look at it


def test_the_whole_reply_as_it_was_generated(context: Any) -> None:
    # -1 nat over 4 tokens, whatever its words.
    assert estimate(context(REPLY, odds=ODDS), of="reply").confidence == pytest.approx(exp(-1 / 4))
    found = estimate(context(REPLY, odds=ODDS), of="reply", normalise=False)
    assert found.confidence == pytest.approx(exp(-1))


@pytest.mark.parametrize("of", ["answer", "reply"])
def test_no_answer_no_confidence(of: str, context: Any) -> None:
    assert estimate(context("I am lost.", odds=ODDS), of=of).confidence is None


@pytest.mark.parametrize("of", ["answer", "reply"])
def test_it_says_what_is_missing(of: str, context: Any) -> None:
    with pytest.raises(UsageError) as caught:
        estimate(context(REPLY), of=of)

    assert str(caught.value) == (
        "the sampler 'recites' gives no log-probabilities, which this estimator needs: use one "
        "that does, such as transformers"
    )


def test_it_asks_once_at_the_temperature_of_the_evaluation(context: Any, calls: Any) -> None:
    estimate(context(REPLY, odds=ODDS), of="reply")

    assert calls == [(0.3, 1, 7, [question().prompt])]
    assert SequenceProbabilityEstimator().replies() == 1
    assert SequenceProbabilityEstimator().needs_logprobs()
    assert not SequenceProbabilityEstimator(of="reply").needs_logprobs()
