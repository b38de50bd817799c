"""The confidence that a model would state on average, read without drawing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from saysel.estimators.sampling import single_replies
from saysel.interfaces import EstimationContext, Estimator, Format
from saysel.records import Generation, ModelRef, Prediction, Question
from saysel.replies.visible import visible_text


class ExpectedEstimator(Estimator):
    """One reply; the mean of all confidences that the format can state, by their probability.

    The reply is read up to the confidence marker. The confidence is the sum over the format's
    confidences of value times probability, given that one of them follows the marker, for the
    untempered model. It uses everything the model knows at that point, where a stated confidence
    is only the most likely one, and takes many values. It costs one forward pass and no token.

    The model has to be on this machine. A reply without the marker has no confidence.
    """

    def needs_logprobs(self) -> bool:
        return True

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        from saysel.hf.expected_confidence import read_confidence

        replies = list(single_replies(model, questions, context))
        beginnings = [up_to_marker(context.format, reply) for _, reply in replies]
        rows = [row for row, beginning in enumerate(beginnings) if beginning is not None]
        confidences = read_confidence(
            model,
            context.format,
            [context.format.prompt(questions[row]) for row in rows],
            [beginnings[row] or "" for row in rows],
        )
        confidence = dict(zip(rows, confidences, strict=True))
        for row, (prediction, _) in enumerate(replies):
            yield replace(prediction, confidence=confidence.get(row))


def up_to_marker(format: Format, reply: Generation) -> str | None:
    """A reply up to and including the last confidence marker outside its thoughts, if any."""
    start = visible_text(reply.text, reply.cut).text.rfind(format.confidence_marker)
    return None if start < 0 else reply.text[: start + len(format.confidence_marker)]
