"""Agreement among samples (arXiv 2203.11171, 2306.13063)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import fsum
from typing import Literal

from pydantic import Field

from saysel.estimators.sampling import Samples, SamplingEstimator
from saysel.interfaces import EstimationContext
from saysel.records import ModelRef, Prediction, Question


class SelfConsistencyEstimator(SamplingEstimator):
    """n replies; the most frequent answer, with its share as confidence.

    The recipe's clusterer decides which answers are the same. Replies without a readable answer
    and replies that decline count in the denominator. If more replies decline than give the most
    frequent answer, so does the prediction.

    With `weight: confidence`, replies are weighted by the confidence they state: the answer with
    the largest sum is chosen, and its share of the sum over all replies is the confidence
    (Avg-Conf of arXiv 2306.13063). A reply that states none has weight 0. If all weights are 0,
    the most frequent answer is chosen and has no confidence.
    """

    weight: Literal["count", "confidence"] = Field(
        "count", description="weight of a reply: 1, or the confidence it states"
    )

    def needs_confidence(self) -> bool:
        return self.weight == "confidence"

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        for samples in self.sample(model, questions, context):
            largest = samples.largest
            if largest is None:
                yield samples.prediction(None, None)
            elif self.weight == "count":
                yield samples.prediction(largest, largest.share)
            else:
                yield _weighted(samples)


def _weighted(samples: Samples) -> Prediction:
    stated = [part.confidence or 0.0 for part in samples.parts]
    # Exact sums: rounding that depends on the number of replies would rank equal confidences.
    weights = [fsum(stated[member] for member in cluster.members) for cluster in samples.clusters]
    largest = max(range(len(weights)), key=weights.__getitem__)  # of equal weights, the first
    total = fsum(stated)
    return samples.prediction(
        samples.clusters[largest], min(1.0, weights[largest] / total) if total else None
    )
