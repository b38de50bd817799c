from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.errors import UsageError
from saysel.estimators.semantic_entropy import SemanticEntropyEstimator, confidence
from saysel.formats.tags import TagsFormat
from saysel.interfaces import EstimationContext
from saysel.records import ModelRef, Prediction
from saysel.testing import question

REPLIES = ("Answer: Rome", "Answer: Paris", "Answer: paris.", "Answer: Oslo")


def estimate(context: EstimationContext, n: int, **options: Any) -> Prediction:
    estimator = SemanticEntropyEstimator(n=n, **options)
    assert estimator.replies() == n
    (prediction,) = estimator.estimate(ModelRef("any"), [question()], context)
    return prediction


def test_the_discrete_variant_counts_replies(context: Any) -> None:
    found = estimate(context(*REPLIES), 4)

    # Shares 1/2, 1/4, 1/4: H = 1.5 log 2, and log n = 2 log 2.
    assert found.confidence == pytest.approx(1 - 1.5 / 2)
    assert (found.answer, found.tokens) == ("Paris", 16)
    assert found.shares == {"Paris": 0.5, "Rome": 0.25, "Oslo": 0.25}


def test_an_unreadable_reply_is_a_separate_meaning(context: Any) -> None:
    found = estimate(context("Answer: Paris", "Answer: Paris", "…", "?"), 4)

    assert found.confidence == pytest.approx(1 - 1.5 / 2)
    assert found.answer == "Paris"
    nobody = estimate(context("…", "…"), 2)
    assert (nobody.answer, nobody.confidence) == (None, None)


def test_the_likelihood_variant_weighs_meanings_by_their_probability(context: Any) -> None:
    odds = {"Rome": 0.6, "Paris": 0.1, "paris.": 0.1, "Oslo": 0.2}

    found = estimate(context(*REPLIES, odds=odds), 4, weight="likelihood")

    # The words of the answers: Rome .6, Paris .1 + .1, Oslo .2.
    entropy = -(0.6 * log(0.6) + 2 * 0.2 * log(0.2))
    assert found.answer == "Rome"
    assert found.confidence == pytest.approx(1 - entropy / log(4))


def test_length_counts_unless_it_is_normalised(context: Any) -> None:
    replies, odds = ("Answer: Saint Petersburg", "Answer: Oslo"), {"Saint": 0.5, "Oslo": 0.25}

    mean = estimate(context(*replies, odds=odds), 2, weight="likelihood")
    product = estimate(context(*replies, odds=odds), 2, weight="likelihood", normalise=False)

    third = log(3) / 3 + 2 / 3 * log(3 / 2)
    assert mean.confidence == pytest.approx(1 - third / log(2))  # .5 against .25
    assert product.confidence == pytest.approx(0)  # .25 each


def test_whole_replies_as_they_were_generated(context: Any) -> None:
    found = estimate(context(*REPLIES, odds={}), 4, weight="likelihood", of="reply")

    assert found.confidence == pytest.approx(1 - 1.5 / 2)  # all are -1 nat over 4 tokens


def test_tags_are_no_hindrance(context: Any) -> None:
    replies = [f"<answer> {one} </answer>" for one in ("Rome", "Paris", "Paris", "Oslo")]
    drawn = context(*replies, odds={"Rome": 0.6, "Paris": 0.1, "Oslo": 0.2})
    drawn = replace(drawn, format=TagsFormat(instruction=""))

    found = estimate(drawn, 4, weight="likelihood")

    entropy = -(0.6 * log(0.6) + 2 * 0.2 * log(0.2))
    assert found.confidence == pytest.approx(1 - entropy / log(4))


@pytest.mark.parametrize("of", ["answer", "reply"])
def test_it_says_what_is_missing(of: str, context: Any) -> None:
    with pytest.raises(UsageError, match="the sampler 'recites' gives no log-probabilities"):
        estimate(context(*REPLIES), 4, weight="likelihood", of=of)


def test_only_the_likelihood_of_answers_is_asked_for() -> None:
    assert not SemanticEntropyEstimator().needs_logprobs()
    assert SemanticEntropyEstimator(weight="likelihood").needs_logprobs()
    assert not SemanticEntropyEstimator(weight="likelihood", of="reply").needs_logprobs()


@given(st.lists(st.floats(1e-12, 1), min_size=1, max_size=20), st.integers(20, 40))
def test_confidence_is_in_its_range(weights: list[float], n: int) -> None:
    masses = [weight / sum(weights) for weight in weights]
    assert 0 <= confidence(masses, n) <= 1
    # Two meanings told apart are never more certain than taken together.
    if len(masses) > 1:
        joined = [masses[0] + masses[1], *masses[2:]]
        assert confidence(joined, n) >= confidence(masses, n) - 1e-12


def test_its_ends() -> None:
    assert confidence([1.0], 5) == 1
    assert confidence([0.2] * 5, 5) == pytest.approx(0)
