"""The model's own verdict on its answer (arXiv 2207.05221)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from saysel.estimators.sampling import single_replies
from saysel.estimators.verdict import Proposal, VerdictEstimator
from saysel.interfaces import EstimationContext, Prompt
from saysel.records import ModelRef, Prediction, Question


class PTrueEstimator(VerdictEstimator):
    """One reply; the confidence is the probability that the model calls its answer right.

    The model is shown the question and its parsed answer and asked whether it is right or wrong.
    The confidence is p(Right) / (p(Right) + p(Wrong)), where each is the probability of the whole
    word as a reply of the untempered model. With `ideas`, the prompt also shows that many other
    sampled answers, which helped in the paper.

    Deviations: the paper's few-shot examples are left out. The paper offers "(A) True" and "(B)
    False"; the words here cannot be confused with an answer such as "false". The two probabilities
    are divided by their sum; lm-polygraph uses p(True) alone. Without a readable answer there is
    no confidence.
    """

    version: ClassVar[int] = 2

    ideas: int = Field(0, ge=0, description="number of other sampled answers that the prompt shows")

    def replies(self) -> int:
        return 1 + self.ideas

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        predictions = [prediction for prediction, _ in single_replies(model, questions, context)]
        prompts = [context.format.prompt(question) for question in questions]
        ideas = self._ideas(model, prompts, context)
        proposals = {
            row: Proposal(questions[row], prediction.answer, ideas[row][0])
            for row, prediction in enumerate(predictions)
            if prediction.answer is not None
        }
        verdicts = self.verdicts(model, list(proposals.values()), context)
        confidences = dict(zip(proposals, verdicts, strict=True))
        for row, prediction in enumerate(predictions):
            yield replace(
                prediction,
                confidence=confidences.get(row),
                tokens=prediction.tokens + ideas[row][1],
            )

    def _ideas(
        self, model: ModelRef, prompts: Sequence[Prompt], context: EstimationContext
    ) -> list[tuple[list[str], int]]:
        """Distinct answers sampled for each prompt, and the number of tokens generated for them."""
        if not self.ideas:
            return [([], 0)] * len(prompts)
        ideas = []
        for replies in context.sampler.sample(model, prompts, self.ideas, context.seed + 1):
            answers = [context.format.parse(reply.text, cut=reply.cut).answer for reply in replies]
            distinct = dict.fromkeys(answer for answer in answers if answer is not None)
            ideas.append((list(distinct), sum(reply.tokens for reply in replies)))
        return ideas
