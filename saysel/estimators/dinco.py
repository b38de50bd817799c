"""The model's verdict on its answer, relative to that on other answers (arXiv 2509.25532)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from pydantic import Field

from saysel.estimators.sampling import Samples, SamplingEstimator
from saysel.estimators.verdict import Proposal, VerdictEstimator
from saysel.interfaces import EstimationContext
from saysel.records import ModelRef, Prediction, Question


class DincoEstimator(VerdictEstimator, SamplingEstimator):
    """n replies; verdict on the most frequent answer against those on other answers, and its share.

    A model that knows little tends to call any answer right. Distractor-normalized coherence
    therefore judges the sampled alternatives as well, each separately. With f₀ = P(True) of the
    most frequent answer (see `p_true`) and fᵢ of up to `distractors` other answers, and the share
    of the n replies that agree with it,

        confidence = (f₀ / max(1, f₀ + Σ fᵢ) + share) / 2

    Replies without a readable answer and replies that decline count in the denominator of the
    share. If more replies decline than give the most frequent answer, so does the prediction.

    Deviations: the main answer and the alternatives are those of the n samples; the paper takes
    them from a beam search, and its code counts the main answer as one more sample. The recipe's
    clusterer decides which answers are the same; the paper weights each alternative by how much a
    language inference model finds that it contradicts the main answer and repeats other
    alternatives. The prompt is that of `p_true`.
    """

    n: int = Field(5, ge=2, description="replies per question")
    distractors: int = Field(
        4, ge=0, description="maximum number of other answers that are judged, most frequent first"
    )

    def estimate(
        self, model: ModelRef, questions: Sequence[Question], context: EstimationContext
    ) -> Iterator[Prediction]:
        sampled = list(self.sample(model, questions, context))
        proposals = [self._proposals(samples) for samples in sampled]
        verdicts = iter(self.verdicts(model, [p for each in proposals for p in each], context))
        for samples, proposed in zip(sampled, proposals, strict=True):
            chosen = samples.largest
            if chosen is None:
                yield samples.prediction(None, None)
                continue
            main, *others = islice(verdicts, len(proposed))
            normalised = main / max(1.0, main + sum(others))
            yield samples.prediction(chosen, (normalised + chosen.share) / 2)

    def _proposals(self, samples: Samples) -> list[Proposal]:
        """The most frequent answer and its distractors, in this order; none if it declines."""
        clusters = samples.clusters[: 1 + self.distractors] if samples.largest else []
        return [
            Proposal(samples.question, cluster.representative.answer or "") for cluster in clusters
        ]
