"""The confidence that the model states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from saysel.interfaces import EstimationContext, Estimator
from saysel.records import ModelRef, Prediction, Question


class VerbalizedEstimator(Estimator):
    """One reply; its own answer and stated confidence."""

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        sampler = context.sampler.model_copy(update={"temperature": context.temperature})
        prompts = [context.format.prompt(question) for question in questions]
        replies = sampler.sample(model, prompts, 1, context.seed)
        for question, (reply,) in zip(questions, replies, strict=True):
            parsed = context.format.parse(reply.text)
            yield Prediction(
                question_id=question.id,
                response=reply.text,
                answer=parsed.answer,
                rationale=parsed.rationale,
                confidence=parsed.confidence,
                tokens=reply.tokens,
            )
