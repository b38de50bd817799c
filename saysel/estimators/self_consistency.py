"""Agreement among samples (arXiv 2203.11171, 2306.13063)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from saysel.interfaces import EstimationContext, Estimator
from saysel.records import ModelRef, Prediction, Question, Response


class SelfConsistencyEstimator(Estimator):
    """n replies; the most frequent answer, with its share as confidence.

    The clusterer of the recipe says which answers are the same. Replies without a readable
    answer count in the denominator.
    """

    n: int = Field(20, ge=1, description="replies per question")
    temperature: float | None = Field(
        None, gt=0, description="of the replies; null: as in the recipe's `sample`"
    )

    def replies(self) -> int:
        return self.n

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        sampler = context.sampler
        if self.temperature is not None:
            sampler = sampler.model_copy(update={"temperature": self.temperature})
        prompts = [context.format.prompt(question) for question in questions]
        samples = sampler.sample(model, prompts, self.n, context.seed)
        for question, replies in zip(questions, samples, strict=True):
            parts = [context.format.parse(reply.text) for reply in replies]
            responses = [
                Response(question.id, index, reply.text, part.answer, reply.tokens, reply.logprob)
                for index, (reply, part) in enumerate(zip(replies, parts, strict=True))
            ]
            clusters = context.clusterer.cluster(question, responses)
            first = clusters[0] if clusters else None
            speaker = first.representative if first else responses[0]
            yield Prediction(
                question_id=question.id,
                response=speaker.text,
                answer=first.representative.answer if first else None,
                rationale=parts[speaker.index].rationale,
                confidence=first.share if first else None,
                tokens=sum(reply.tokens for reply in replies),
                shares={cluster.representative.answer or "": cluster.share for cluster in clusters},
            )
