"""Samples one reply or several replies to each question, for estimators to build on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field

from saysel.interfaces import EstimationContext, Estimator, Parsed, Prompt
from saysel.records import Cluster, Generation, ModelRef, Prediction, Question, Response
from saysel.replies.counts import ReadReply, count_replies


def single_replies(
    model: ModelRef, questions: Sequence[Question], context: EstimationContext
) -> Iterator[tuple[Prediction, Generation]]:
    """One reply to each question with the recipe's decoding: its parts, and the reply itself."""
    sampler = context.sampler.model_copy(update={"temperature": context.temperature})
    prompts = [context.format.prompt(question) for question in questions]
    replies = sampler.sample(model, prompts, 1, context.seed)
    for question, (reply,) in zip(questions, replies, strict=True):
        parsed = context.format.parse(reply.text, cut=reply.cut)
        prediction = Prediction(
            question_id=question.id,
            response=reply.text,
            answer=parsed.answer,
            rationale=parsed.rationale,
            confidence=parsed.confidence,
            tokens=reply.tokens,
            finish_reason=reply.finish_reason,
            declined=parsed.declined,
        )
        yield prediction, reply


@dataclass(frozen=True)
class Samples:
    """The replies to one question.

    Attributes:
        question: the question.
        prompt: the chat that asks it.
        responses: all replies, in the order of sampling.
        parts: the parsed parts of each reply.
        clusters: clusters of the replies with an answer, largest first.
        states_confidence: whether each reply has to state its confidence.
    """

    question: Question
    prompt: Prompt
    responses: list[Response]
    parts: list[Parsed]
    clusters: list[Cluster]
    states_confidence: bool = False

    @property
    def largest(self) -> Cluster | None:
        """The largest cluster.

        `None` if no reply has an answer, or if more replies decline to answer than are in it.
        """
        declined = sum(part.declined for part in self.parts)
        if not self.clusters or declined > len(self.clusters[0].members):
            return None
        return self.clusters[0]

    def prediction(self, chosen: Cluster | None, confidence: float | None) -> Prediction:
        """A prediction with the answer of a cluster, or none, and the tokens of all replies.

        Without a cluster it declines, if any reply does.
        """
        declining = next((reply for reply in self.responses if reply.declined), None)
        response = chosen.representative if chosen else declining or self.responses[0]
        return Prediction(
            question_id=self.question.id,
            response=response.text,
            answer=response.answer if chosen else None,
            rationale=self.parts[response.index].rationale,
            confidence=confidence,
            tokens=sum(reply.tokens for reply in self.responses),
            shares={c.representative.answer or "": c.share for c in self.clusters},
            finish_reason=response.finish_reason,
            distinct_texts=distinct_texts(self.responses),
            reply_counts=count_replies(
                [
                    ReadReply(reply.text, reply.answer, part.confidence, reply.cut, part.declined)
                    for reply, part in zip(self.responses, self.parts, strict=True)
                ],
                self.states_confidence,
            ),
            declined=chosen is None and declining is not None,
        )


def distinct_texts(responses: Sequence[Response]) -> int | None:
    """The number of different texts among several responses; `None` for a single response."""
    return len({response.text for response in responses}) if len(responses) > 1 else None


class SamplingEstimator(Estimator):
    """Base class of estimators that sample several replies to each question."""

    n: int = Field(20, ge=1, description="replies per question")
    temperature: float | None = Field(
        None,
        gt=0,
        description="temperature of the replies; null: that of `evaluate.sampler`, or of `sample` "
        "if the recipe has none",
    )

    def replies(self) -> int:
        return self.n

    def sample(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Samples]:
        """n replies to each question, grouped by the recipe's clusterer."""
        sampler = context.sampler
        if self.temperature is not None:
            sampler = sampler.model_copy(update={"temperature": self.temperature})
        prompts = [context.format.prompt(question) for question in questions]
        samples = sampler.sample(model, prompts, self.n, context.seed)
        for question, prompt, replies in zip(questions, prompts, samples, strict=True):
            parts = [context.format.parse(reply.text, cut=reply.cut) for reply in replies]
            responses = [
                Response(
                    question.id,
                    index,
                    reply.text,
                    part.answer,
                    reply.tokens,
                    reply.logprob,
                    reply.finish_reason,
                    part.declined,
                )
                for index, (reply, part) in enumerate(zip(replies, parts, strict=True))
            ]
            clusters = context.clusterer.cluster(question, responses)
            yield Samples(question, prompt, responses, parts, clusters, self.needs_confidence())
