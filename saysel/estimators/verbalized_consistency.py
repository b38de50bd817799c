"""Stated confidence and agreement in one (arXiv 2306.13063)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean

from saysel.estimators.sampling import SamplingEstimator
from saysel.interfaces import EstimationContext
from saysel.records import ModelRef, Prediction, Question


class VerbalizedConsistencyEstimator(SamplingEstimator):
    """n replies; the most frequent answer, with the mean confidence that its replies state.

    The clusterer of the recipe says which answers are the same. Replies whose confidence cannot
    be read are left out of the mean; if none can, there is no confidence. How many replies agree
    decides the answer and nothing else: for shares, see `self_consistency`.
    """

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        for samples in self.draw(model, questions, context):
            chosen = samples.clusters[0] if samples.clusters else None
            members = chosen.members if chosen else ()
            stated = [samples.parts[member].confidence for member in members]
            known = [confidence for confidence in stated if confidence is not None]
            # The exact mean: rounding that hangs on their number would rank equal confidences.
            yield samples.prediction(chosen, mean(known) if known else None)
