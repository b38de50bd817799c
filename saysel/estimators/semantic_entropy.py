"""Entropy over meanings (Nature 630, 2024; arXiv 2302.09664)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import exp, log
from typing import Literal

from pydantic import Field

from saysel.estimators.likelihood import answer_logprobs, missing
from saysel.estimators.sampling import Samples, SamplingEstimator
from saysel.interfaces import EstimationContext
from saysel.records import ModelRef, Prediction, Question


class SemanticEntropyEstimator(SamplingEstimator):
    """n replies; the likeliest meaning, with 1 - H / log n as confidence.

    H = -Σ p(C) log p(C) over clusters C of replies that mean the same, as the clusterer of the
    recipe sees it. It is largest, log n, where all replies differ: that is confidence 0; where
    all agree it is 0, and confidence 1.

    `weight: count` is the discrete variant: p(C) is the share of replies in C. `weight:
    likelihood` sums the probabilities of the replies in C and divides by the sum over all of
    them; `normalise` takes the geometric mean over a reply's tokens, as the authors' code does.
    `of` says whether the probability is that of the answer, given what was written before it, or
    of everything generated.

    A reply without a readable answer agrees with none: it is a meaning of its own, with 1 / n of
    the mass. Deviation from the paper, which draws one more reply at a low temperature to be
    judged: the answer is that of the likeliest cluster.
    """

    n: int = Field(20, ge=2, description="replies per question")
    weight: Literal["count", "likelihood"] = Field(
        "count", description="whether replies count alike or by their probability"
    )
    normalise: bool = Field(
        True, description="with likelihood: geometric mean over tokens, not their product"
    )
    of: Literal["answer", "reply"] = Field(
        "answer", description="with likelihood: whose tokens count"
    )

    def needs_logprobs(self) -> bool:
        return self.weight == "likelihood" and self.of == "answer"

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        for samples in self.draw(model, questions, context):
            if not samples.clusters:
                yield samples.prediction(None, None)
                continue
            logs = self._logs(model, samples, context)
            if not logs:
                yield samples.prediction(samples.clusters[0], None)
                continue
            highest = max(logs.values())  # so that the largest weight is 1, and none underflows
            weights = [
                sum(exp(logs[member] - highest) for member in cluster.members if member in logs)
                for cluster in samples.clusters
            ]
            members = len(logs)
            mass = members / self.n
            masses = [mass * weight / sum(weights) for weight in weights]
            likeliest = max(range(len(masses)), key=masses.__getitem__)
            masses += [1 / self.n] * (self.n - members)
            yield samples.prediction(samples.clusters[likeliest], confidence(masses, self.n))

    def _logs(
        self, model: ModelRef, samples: Samples, context: EstimationContext
    ) -> dict[int, float]:
        """Log of the weight of every reply that is in a cluster and whose answer was found."""
        members = [member for cluster in samples.clusters for member in cluster.members]
        if self.weight == "count":
            return dict.fromkeys(members, 0.0)
        found: dict[int, float] = {}
        if self.of == "reply":
            for member in members:
                reply = samples.responses[member]
                if reply.logprob is None:
                    raise missing(context)
                found[member] = self._mean(reply.logprob, reply.tokens)
            return found
        replies = [samples.responses[member] for member in members]
        scores = answer_logprobs(context, model, [samples.prompt] * len(replies), replies)
        for member, score in zip(members, scores, strict=True):
            if score is not None:
                found[member] = self._mean(sum(score), len(score))
        return found

    def _mean(self, total: float, tokens: int) -> float:
        return total / max(1, tokens) if self.normalise else total


def confidence(masses: Sequence[float], n: int) -> float:
    """1 - H / log n of a distribution over at most n meanings, in [0, 1]."""
    entropy = -sum(mass * log(mass) for mass in masses if mass > 0)
    return min(1.0, max(0.0, 1 - entropy / log(n)))
