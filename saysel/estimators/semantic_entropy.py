"""Entropy over meanings (Nature 630, 2024; arXiv 2302.09664)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, log
from typing import Literal

from pydantic import Field

from saysel.estimators.likelihood import answer_logprobs, no_logprobs
from saysel.estimators.sampling import Samples, SamplingEstimator
from saysel.interfaces import EstimationContext
from saysel.records import ModelRef, Prediction, Question


class SemanticEntropyEstimator(SamplingEstimator):
    """n replies; the most likely meaning, with 1 - H / log n as confidence.

    H = -Σ p(C) log p(C) over clusters C of replies with the same meaning, according to the
    recipe's clusterer. If all replies differ, H is log n and the confidence 0; if all agree, H is
    0 and the confidence 1.

    `weight: count` is the discrete variant: p(C) is the share of replies in C. `weight:
    likelihood` sums the probabilities of the replies in C and divides by the sum over all of
    them; `normalise` uses the geometric mean over a reply's tokens, like the authors' code.
    `of` chooses between the probability of the answer, given the text before it, and that of the
    whole reply.

    Every reply without a readable answer is a separate meaning with 1 / n of the mass. Deviation:
    the answer is that of the most likely cluster, while the paper samples one more reply at a low
    temperature.
    """

    n: int = Field(20, ge=2, description="replies per question")
    weight: Literal["count", "likelihood"] = Field(
        "count", description="weight of a reply: 1, or its probability"
    )
    normalise: bool = Field(
        True, description="with likelihood: geometric mean over tokens instead of the product"
    )
    of: Literal["answer", "reply"] = Field(
        "answer", description="with likelihood: the tokens that count"
    )

    def needs_logprobs(self) -> bool:
        return self.weight == "likelihood" and self.of == "answer"

    def needs_confidence(self) -> bool:
        return False

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        for samples in self.sample(model, questions, context):
            if samples.largest is None:
                yield samples.prediction(None, None)
                continue
            log_weights = self._log_weights(model, samples, context)
            if not log_weights:
                yield samples.prediction(samples.clusters[0], None)
                continue
            highest = max(log_weights.values())  # makes the largest weight 1, to avoid underflow
            weights = [
                sum(
                    exp(log_weights[member] - highest)
                    for member in cluster.members
                    if member in log_weights
                )
                for cluster in samples.clusters
            ]
            members = len(log_weights)
            mass = members / self.n
            masses = [mass * weight / sum(weights) for weight in weights]
            most_likely = max(range(len(masses)), key=masses.__getitem__)
            masses += [1 / self.n] * (self.n - members)
            yield samples.prediction(samples.clusters[most_likely], confidence(masses, self.n))

    def _log_weights(
        self, model: ModelRef, samples: Samples, context: EstimationContext
    ) -> dict[int, float]:
        """Log of the weight of every reply that is in a cluster and whose answer was located."""
        members = [member for cluster in samples.clusters for member in cluster.members]
        if self.weight == "count":
            return dict.fromkeys(members, 0.0)
        weights: dict[int, float] = {}
        if self.of == "reply":
            for member in members:
                reply = samples.responses[member]
                if reply.logprob is None:
                    raise no_logprobs(context)
                weights[member] = self._mean(reply.logprob, reply.tokens)
            return weights
        replies = [samples.responses[member] for member in members]
        logprobs = answer_logprobs(context, model, [samples.prompt] * len(replies), replies)
        for member, tokens in zip(members, logprobs, strict=True):
            if tokens is not None:
                weights[member] = self._mean(sum(tokens), len(tokens))
        return weights

    def _mean(self, total: float, tokens: int) -> float:
        return total / max(1, tokens) if self.normalise else total


def confidence(masses: Sequence[float], n: int) -> float:
    """1 - H / log n of a distribution over at most n meanings, in [0, 1]."""
    entropy = -sum(mass * log(mass) for mass in masses if mass > 0)
    return min(1.0, max(0.0, 1 - entropy / log(n)))
