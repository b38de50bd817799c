"""One reply to a question, or several and what they agree on: what estimators start from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field

from saysel.interfaces import EstimationContext, Estimator, Parsed, Prompt
from saysel.records import Cluster, Generation, ModelRef, Prediction, Question, Response


def single(
    model: ModelRef, questions: Sequence[Question], context: EstimationContext
) -> Iterator[tuple[Prediction, Generation]]:
    """One reply to each question as the recipe decodes it: what it says, and the reply itself."""
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
        )
        yield prediction, reply


@dataclass(frozen=True)
class Samples:
    """The replies to one question.

    Attributes:
        question: what was asked.
        prompt: the chat that asked it.
        responses: every reply, in the order drawn.
        parts: what was read from each.
        clusters: of those with an answer, largest first.
    """

    question: Question
    prompt: Prompt
    responses: list[Response]
    parts: list[Parsed]
    clusters: list[Cluster]

    def prediction(self, chosen: Cluster | None, confidence: float | None) -> Prediction:
        """The answer of a cluster, or none, at the price of all replies."""
        speaker = chosen.representative if chosen else self.responses[0]
        return Prediction(
            question_id=self.question.id,
            response=speaker.text,
            answer=speaker.answer if chosen else None,
            rationale=self.parts[speaker.index].rationale,
            confidence=confidence,
            tokens=sum(response.tokens for response in self.responses),
            shares={one.representative.answer or "": one.share for one in self.clusters},
            finish_reason=speaker.finish_reason,
            distinct_texts=distinct_texts(self.responses),
        )


def distinct_texts(responses: Sequence[Response]) -> int | None:
    """How many different texts several responses to a question have; `None` for a single one."""
    return len({response.text for response in responses}) if len(responses) > 1 else None


class SamplingEstimator(Estimator):
    """What estimators that draw several replies to a question share."""

    n: int = Field(20, ge=1, description="replies per question")
    temperature: float | None = Field(
        None, gt=0, description="of the replies; null: as in the recipe's `sample`"
    )

    def replies(self) -> int:
        return self.n

    def draw(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Samples]:
        """n replies to each question, clustered by the recipe's clusterer."""
        sampler = context.sampler
        if self.temperature is not None:
            sampler = sampler.model_copy(update={"temperature": self.temperature})
        prompts = [context.format.prompt(question) for question in questions]
        drawn = sampler.sample(model, prompts, self.n, context.seed)
        for question, prompt, replies in zip(questions, prompts, drawn, strict=True):
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
                )
                for index, (reply, part) in enumerate(zip(replies, parts, strict=True))
            ]
            clusters = context.clusterer.cluster(question, responses)
            yield Samples(question, prompt, responses, parts, clusters)
