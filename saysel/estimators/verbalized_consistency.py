"""Stated confidence and agreement combined (arXiv 2306.13063)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean

from saysel.estimators.sampling import SamplingEstimator
from saysel.interfaces import EstimationContext
from saysel.records import ModelRef, Prediction, Question


class VerbalizedConsistencyEstimator(SamplingEstimator):
    """n replies; the most frequent answer, with the mean confidence that its replies state.

    The recipe's clusterer decides which answers are the same. Replies without a readable
    confidence are left out of the mean; if none has one, there is no confidence. The number of
    replies that agree only decides the answer: for shares, see `self_consistency`.
    """

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        for samples in self.sample(model, questions, context):
            chosen = samples.largest
            members = chosen.members if chosen else ()
            stated = [samples.parts[member].confidence for member in members]
            known = [confidence for confidence in stated if confidence is not None]
            # The exact mean: rounding that depends on their number would rank equal confidences.
            yield samples.prediction(chosen, mean(known) if known else None)
