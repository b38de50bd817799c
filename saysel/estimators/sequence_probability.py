"""The probability of the model's answer or reply."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import exp
from typing import Literal

from pydantic import Field

from saysel.estimators.likelihood import answer_logprobs, no_logprobs
from saysel.estimators.sampling import single_replies
from saysel.interfaces import EstimationContext, Estimator
from saysel.records import ModelRef, Prediction, Question


class SequenceProbabilityEstimator(Estimator):
    """One reply; the probability of its tokens as confidence.

    For tokens t = 1 … T with probability p_t under the untempered model, this is the product of
    the p_t or, with `normalise`, their geometric mean. The product decreases with the length of
    the text, which makes answers of different length hard to compare. The mean does not, but the
    confidences of different answers no longer sum to at most one.

    `of: answer` uses the words of the answer, given the text before them. `of: reply` uses
    everything generated, including the end token, which suits models that reply with the answer
    only. Without a readable answer there is no confidence.
    """

    normalise: bool = Field(True, description="geometric mean over tokens instead of the product")
    of: Literal["answer", "reply"] = Field("answer", description="the tokens that count")

    def needs_logprobs(self) -> bool:
        return self.of == "answer"

    def needs_confidence(self) -> bool:
        return False

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        replies = list(single_replies(model, questions, context))
        totals: list[tuple[float, int] | None] = []
        if self.of == "answer":
            prompts = [context.format.prompt(question) for question in questions]
            logprobs = answer_logprobs(context, model, prompts, [reply for _, reply in replies])
            totals = [None if tokens is None else (sum(tokens), len(tokens)) for tokens in logprobs]
        else:
            for prediction, reply in replies:
                if reply.logprob is None:
                    raise no_logprobs(context)
                readable = prediction.answer is not None
                totals.append((reply.logprob, reply.tokens) if readable else None)
        for (prediction, _), total in zip(replies, totals, strict=True):
            yield replace(
                prediction, confidence=None if total is None else self._confidence(*total)
            )

    def _confidence(self, logprob: float, tokens: int) -> float:
        return min(1.0, exp(logprob / max(1, tokens) if self.normalise else logprob))
