from __future__ import annotations

from dataclasses import replace
from math import exp
from typing import Any

import pytest

from saysel.estimators.expected import ExpectedEstimator, up_to_marker
from saysel.estimators.verbalized import VerbalizedEstimator
from saysel.formats.sayself import SaySelfFormat
from saysel.formats.tags import TagsFormat
from saysel.interfaces import EstimationContext, Format
from saysel.records import Generation, ModelRef, Prediction
from saysel.samplers.transformers import TransformersSampler
from saysel.testing import question

FORMAT = SaySelfFormat(instruction="")
REPLY = "Answer: Paris Self-reflection: Or Lyon. Confidence: 3"


def estimate(model: ModelRef, context: EstimationContext) -> Prediction:
    (prediction,) = ExpectedEstimator().estimate(model, [question()], context)
    return prediction


def test_it_is_the_mean_confidence_after_the_marker(small_model: ModelRef, context: Any) -> None:
    prediction = estimate(small_model, context(REPLY, odds={}))

    # The same mean from the log-probabilities of eleven whole replies.
    lead = REPLY.removesuffix(" 3")
    replies = [lead + stated for stated in FORMAT.confidences]
    prompt = FORMAT.prompt(question())
    logprobs = TransformersSampler().logprobs(small_model, [prompt] * len(replies), replies)
    assert logprobs is not None
    weights = [exp(sum(tokens)) for tokens in logprobs]
    values = FORMAT.confidences.values()
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
    assert prediction.confidence == pytest.approx(mean, abs=0.05)  # "10" begins with "1"
    assert prediction.confidence != pytest.approx(0.3)


def test_only_the_confidence_differs_from_the_stated_one(
    small_model: ModelRef, context: Any
) -> None:
    (stated,) = VerbalizedEstimator().estimate(small_model, [question()], context(REPLY))
    expected = estimate(small_model, context(REPLY, odds={}))

    assert (expected.answer, expected.rationale) == (stated.answer, stated.rationale)
    assert (expected.response, expected.tokens) == (stated.response, stated.tokens)
    assert stated.confidence == 0.3


@pytest.mark.parametrize("unreadable", ["", "high", "11"])
def test_a_number_that_cannot_be_read_is_not_needed(
    unreadable: str, small_model: ModelRef, context: Any
) -> None:
    reply = REPLY.removesuffix("3") + unreadable

    expected = estimate(small_model, context(reply, odds={}))

    assert expected.confidence == estimate(small_model, context(REPLY, odds={})).confidence


@pytest.mark.parametrize(
    "reply", ["Answer: Paris", "", "<think>Answer: Oslo Confidence: 9</think>Answer: Paris"]
)
def test_without_a_marker_there_is_no_confidence(
    reply: str, small_model: ModelRef, context: Any
) -> None:
    assert estimate(small_model, context(reply, odds={})).confidence is None


def test_a_declined_reply_has_no_confidence(small_model: ModelRef, context: Any) -> None:
    """In what it would state after "Confidence:" there is no answer to be confident in."""
    declining = "Answer: unsure Self-reflection: I forgot. Confidence: 3"
    given = replace(
        context(declining, odds={}), format=SaySelfFormat(instruction="", decline="unsure")
    )
    prediction = estimate(small_model, given)
    assert (prediction.declined, prediction.answer, prediction.confidence) == (True, None, None)


def test_the_last_marker_outside_thoughts_counts() -> None:
    thought = "<think>Confidence: 1</think>"
    tags = "<answer>Paris</answer><confidence>"

    assert up_to_marker(FORMAT, Generation(thought + REPLY, 9)) == thought + REPLY[:-2]
    assert up_to_marker(FORMAT, Generation("Confidence: 2. No: Confidence: 7", 9)) == (
        "Confidence: 2. No: Confidence:"
    )
    assert up_to_marker(FORMAT, Generation("<think>Confidence: 1", 9, None, "length")) is None
    assert up_to_marker(TagsFormat(), Generation(tags + "7", 9)) == tags


@pytest.mark.parametrize(
    ("format", "reply"),
    [
        (FORMAT, f"{REPLY[:-2]}| 3\n\nQuestion: Spain?\nAnswer: Madrid Confidence: 2"),
        (FORMAT, f"Answer: Rome Confidence: 2 No. {REPLY[:-2]}| 3"),
        (
            TagsFormat(),
            "<answer>Paris</answer><confidence>|0.9</confidence> "
            "<analysis>I could say <confidence>0.2</confidence></analysis>",
        ),
    ],
)
def test_it_is_the_confidence_in_the_parsed_answer(format: Format, reply: str) -> None:
    beginning, _, rest = reply.partition("|")

    assert format.parse(beginning + rest).answer == "Paris"
    assert up_to_marker(format, Generation(beginning + rest, 9)) == beginning


def test_an_answer_after_the_last_marker_has_no_confidence() -> None:
    corrected = "Answer: Rome Confidence: 3\nAnswer: Paris"

    assert up_to_marker(FORMAT, Generation(corrected, 9)) is None


def test_it_needs_token_choices_or_the_model() -> None:
    assert ExpectedEstimator().needs_choices()
    assert ExpectedEstimator().replies() == 1
