"""The probability of what the model wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import exp
from typing import Literal

from pydantic import Field

from saysel.estimators.likelihood import answer_logprobs, missing
from saysel.estimators.sampling import single
from saysel.interfaces import EstimationContext, Estimator
from saysel.records import ModelRef, Prediction, Question


class SequenceProbabilityEstimator(Estimator):
    """One reply; the probability of its tokens as confidence.

    With tokens t = 1 … T of probability p_t: the product of p_t, or with `normalise` its
    geometric mean, the T-th root of it. p_t is that of the untempered model. The product shrinks
    with the length of the text, so that answers of different length are hard to compare; the
    mean does not, but two equally likely answers no longer share a total of one.

    `of: answer` looks at the words of the answer, given what was written before them. `of: reply`
    looks at everything generated, the end token included: right for models that reply with
    nothing but the answer. No readable answer, no confidence.
    """

    normalise: bool = Field(True, description="geometric mean over tokens, not their product")
    of: Literal["answer", "reply"] = Field("answer", description="whose tokens count")

    def needs_logprobs(self) -> bool:
        return self.of == "answer"

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        drawn = list(single(model, questions, context))
        scores: list[tuple[float, int] | None] = []
        if self.of == "answer":
            prompts = [context.format.prompt(question) for question in questions]
            replies = [reply for _, reply in drawn]
            found = answer_logprobs(context, model, prompts, replies)
            scores = [None if one is None else (sum(one), len(one)) for one in found]
        else:
            for prediction, reply in drawn:
                if reply.logprob is None:
                    raise missing(context)
                readable = prediction.answer is not None
                scores.append((reply.logprob, reply.tokens) if readable else None)
        for (prediction, _), score in zip(drawn, scores, strict=True):
            yield replace(
                prediction, confidence=None if score is None else self._confidence(*score)
            )

    def _confidence(self, total: float, tokens: int) -> float:
        return min(1.0, exp(total / max(1, tokens) if self.normalise else total))
