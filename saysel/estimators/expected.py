"""The confidence that a model would state on average, read without drawing it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from saysel.estimators.sampling import single_replies
from saysel.estimators.stated_choices import expected_from_choices
from saysel.interfaces import EstimationContext, Estimator, Format
from saysel.records import Generation, ModelRef, Prediction, Question


class ExpectedEstimator(Estimator):
    """One reply; the mean of all confidences that the format can state, by their probability.

    The reply is read up to the confidence marker. The confidence is the sum over the format's
    confidences of value times probability, given that one of them follows the marker, for the
    untempered model. It uses everything the model knows at that point, where a stated confidence
    is only the most likely one, and takes many values. It costs one forward pass and no token.

    For a model at a server, it reads the most likely tokens that the sampler `openai` requests with
    `top_logprobs`, and takes the mean over the confidences among them. It assumes that the server
    reports log-probabilities at temperature 1, as vLLM does by default. If more than a
    tenth of the probability is of tokens that may begin several confidences, the confidence is
    missing: ask for more tokens, or use a format with fewer confidences.

    A reply without the marker, or one that declines, has no confidence.
    """

    version: ClassVar[int] = 2

    def needs_choices(self) -> bool:
        return True

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        replies = list(single_replies(model, questions, context))
        beginnings = {
            row: beginning
            for row, (prediction, reply) in enumerate(replies)
            if not prediction.declined
            and (beginning := up_to_marker(context.format, reply)) is not None
        }
        confidence: dict[int, float | None]
        if context.sampler.gives_choices():
            confidence = {
                row: expected_from_choices(context.format, replies[row][1], len(beginning))
                for row, beginning in beginnings.items()
            }
        else:
            confidence = _from_model(model, questions, beginnings, context)
        for row, (prediction, _) in enumerate(replies):
            yield replace(prediction, confidence=confidence.get(row))


def _from_model(
    model: ModelRef,
    questions: Sequence[Question],
    beginnings: Mapping[int, str],
    context: EstimationContext,
) -> dict[int, float | None]:
    """The expected confidence after the beginning of each reply, by one forward pass."""
    from saysel.hf.expected_confidence import read_confidence

    prompts = [context.format.prompt(questions[row]) for row in beginnings]
    confidences = read_confidence(model, context.format, prompts, list(beginnings.values()))
    return dict(zip(beginnings, confidences, strict=True))


def up_to_marker(format: Format, reply: Generation) -> str | None:
    """A reply up to and including the marker of the confidence that the format reads, if any."""
    end = format.marker_end(reply.text, cut=reply.cut)
    return None if end is None else reply.text[:end]
