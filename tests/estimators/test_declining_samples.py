"""Estimators that sample several replies, some of which decline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from saysel.formats.sayself import SaySelfFormat
from saysel.interfaces import Estimator
from saysel.records import ModelRef, Prediction, ReplyCounts
from saysel.registry import build
from saysel.testing import question

PASS = "Answer: pass"
PARIS = "Answer: Paris Confidence: 8"
NAMES = ("self_consistency", "semantic_entropy", "verbalized_consistency")


def estimate(context: Any, name: str, *replies: str, **options: Any) -> Prediction:
    careful = replace(context(*replies), format=SaySelfFormat(decline="pass"))
    estimator = build("estimator", {"use": name, "n": len(replies), **options})
    assert isinstance(estimator, Estimator)
    (prediction,) = estimator.estimate(ModelRef("any"), [question()], careful)
    return prediction


@pytest.mark.parametrize("name", NAMES)
def test_it_declines_if_more_replies_decline_than_give_any_answer(name: str, context: Any) -> None:
    # Two decline, three answer, but never the same.
    found = estimate(context, name, "Answer: Rome", PASS, PARIS, PASS, "Answer: Oslo")

    assert (found.answer, found.confidence, found.declined) == (None, None, True)
    assert found.response == PASS
    assert found.reply_counts is not None
    assert (found.reply_counts.declined, found.reply_counts.no_answer) == (2, 0)


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_if_as_many_replies_agree(name: str, context: Any) -> None:
    found = estimate(context, name, PASS, PARIS, PARIS, PASS)

    assert (found.answer, found.declined) == ("Paris", False)


def test_declined_replies_count_in_the_share(context: Any) -> None:
    found = estimate(context, "self_consistency", PASS, PARIS, PARIS, PASS)

    assert found.confidence == 0.5
    assert found.reply_counts == ReplyCounts(replies=4, sampled=1, declined=2)


def test_weights_are_the_stated_confidences(context: Any) -> None:
    replies = (PASS, PARIS, "Answer: Rome Confidence: 2", PARIS)
    found = estimate(context, "self_consistency", *replies, weight="confidence")

    assert (found.answer, found.confidence) == ("Paris", pytest.approx(1.6 / 1.8))
