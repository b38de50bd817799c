"""Confidences stated under cautious and confident instructions, combined (arXiv 2503.02863)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import fmean, pstdev

from pydantic import Field

from saysel.estimators.sampling import Samples
from saysel.estimators.verbalized import VerbalizedEstimator
from saysel.estimators.verbalized.prompts import texts
from saysel.interfaces import EstimationContext, Estimator, Format, Parsed, Prompt
from saysel.records import ModelRef, Prediction, Question, Response

CORRECT = "Much depends on this answer: avoid a low confidence in a correct answer."
WRONG = "Much depends on this answer: avoid a high confidence in a wrong answer."
STEERING = (
    f"{WRONG} Be very cautious, and state a low confidence in almost every answer.",
    WRONG,
    "",
    CORRECT,
    f"{CORRECT} Be very confident, and state a high confidence in almost every answer.",
)


class SteerConfEstimator(Estimator):
    """One reply under each of five instructions, from very cautious to very confident.

    With μ and σ the mean and the standard deviation of the confidences that the replies state, and
    the share of the replies that give the most frequent answer,

        confidence = μ · share / (1 + σ / μ)

    The more the confidence follows the instructions, the larger σ is, and the less it means. It is
    asked for as a percentage, as in `verbalized` with `style: percent`, so the model needs no
    training for it. Replies without a readable confidence do not count in μ and σ, those
    without a readable answer and those that decline count in the denominator of the share. If more
    replies decline than give the most frequent answer, so does the prediction. If no reply states
    a confidence, it is missing.

    Deviations: the answer is the most frequent one, and in a tie that of the more cautious reply;
    the paper chooses one of the five replies by comparing the result with their confidences.
    The wording of the instructions is different.
    """

    steering: tuple[str, ...] = Field(
        STEERING,
        min_length=2,
        description="instructions that are added to the prompt, one per reply; may be empty",
    )

    def replies(self) -> int:
        return len(self.steering)

    def chats(self, question: Question, format: Format) -> Sequence[Prompt]:
        return [chat for asked in self._steered() for chat in asked.chats(question, format)]

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        replies = [
            steered.estimate(model, questions, replace(context, seed=context.seed + index))
            for index, steered in enumerate(self._steered())
        ]
        for question, *steered in zip(questions, *replies, strict=True):
            samples = _samples(question, steered, context)
            chosen = samples.largest
            stated = [part.confidence for part in samples.parts if part.confidence is not None]
            confidence = chosen.share * steadiness(stated) if chosen and stated else None
            yield samples.prediction(chosen, confidence)

    def _steered(self) -> list[VerbalizedEstimator]:
        """How each reply is asked for."""
        (asked,) = texts("percent", 1)
        prompts = [
            f"{instruction}\n\n{asked}" if instruction else asked for instruction in self.steering
        ]
        return [VerbalizedEstimator(style="percent", prompts=(prompt,)) for prompt in prompts]


def steadiness(stated: Sequence[float]) -> float:
    """μ / (1 + σ / μ) of some confidences; 0 if all are 0."""
    mean = fmean(stated)
    return mean**2 / (mean + pstdev(stated)) if mean else 0.0


def _samples(
    question: Question, replies: Sequence[Prediction], context: EstimationContext
) -> Samples:
    """The steered replies to a question, grouped by the recipe's clusterer."""
    responses = [
        Response(
            question.id,
            index,
            reply.response,
            reply.answer,
            reply.tokens,
            finish_reason=reply.finish_reason,
            declined=reply.declined,
        )
        for index, reply in enumerate(replies)
    ]
    parts = [Parsed(reply.answer, None, reply.confidence, reply.declined) for reply in replies]
    clusters = context.clusterer.cluster(question, responses)
    prompt = context.format.prompt(question)
    return Samples(question, prompt, responses, parts, clusters, states_confidence=True)
