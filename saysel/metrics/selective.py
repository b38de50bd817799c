"""What a user gains who accepts only confident answers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from saysel.interfaces import FingerprintedIfSet, PredictionArrays
from saysel.metrics.risk_coverage import ranking
from saysel.scoring.resampling import Weighted, ratio
from saysel.scoring.risk_control import thresholds

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


def from_the_top(predictions: PredictionArrays, weights: Array) -> tuple[Array, Array]:
    """Answers and correct answers of each level of confidence and above, both [R, levels].

    Levels are in descending order of confidence. Answers without a confidence are the last.
    """
    import numpy as np

    levels = ranking(predictions)
    answers = levels.sums(weights)[:, ::-1]
    correct = levels.sums(weights * predictions.correct)[:, ::-1]
    return np.cumsum(answers, axis=1), np.cumsum(correct, axis=1)


class AccuracyAtCoverage(Weighted):
    """Accuracy of the most confident fraction of the answers.

    Formula: mean correctness of the `coverage` · n most confident answers. Range [0, 1], higher is
    better; without any knowledge of one's errors it is the accuracy.
    Ties: the mean over all orders of answers with equal confidence.

    Source: selective accuracy, Geifman & El-Yaniv 2017 (arXiv 1705.08500).
    Blind to: calibration, and the order within the fraction and outside it.
    Missing confidences: every judged question counts; those without a confidence rank last.
    Undefined (NaN) without questions.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
    bounds: ClassVar[tuple[float, float]] = (0, 1)

    coverage: float = Field(0.8, gt=0, le=1, description="fraction of the answers that is accepted")

    def resampled(self, predictions: PredictionArrays, weights: Array) -> Array:
        import numpy as np

        answers, correct = from_the_top(predictions, weights)
        if not answers.shape[1]:
            return np.full(len(weights), np.nan)
        accepted = self.coverage * answers[:, -1:]
        # The level at the cut is divided in proportion.
        cut = (answers < accepted - 1e-9).sum(axis=1, keepdims=True)
        before = np.pad(answers, ((0, 0), (1, 0)))
        right = np.pad(correct, ((0, 0), (1, 0)))
        start, end = (np.take_along_axis(before, cut + step, 1) for step in (0, 1))
        low, high = (np.take_along_axis(right, cut + step, 1) for step in (0, 1))
        part = ratio(accepted - start, end - start)
        return ratio(low + part * (high - low), accepted)[:, 0]


class CoverageAtRisk(Weighted):
    """Largest fraction of the answers that a threshold can accept with few enough errors.

    Formula: maximum over thresholds t of the share of answers with confidence at least t, where
    the mean error of these answers is at most `risk`; 0 if there is no such threshold. Range
    [0, 1], higher is better.
    Ties: answers of equal confidence are accepted together, as a threshold does.

    With `delta`, only thresholds count that keep the risk on new answers with probability
    1 - delta: by learn then test, with Clopper-Pearson bounds. An answer is then wrong if its
    correctness is below 0.5, and the answers of a cluster count as one, so that the probability is
    approximate if clusters have different sizes.

    Source: Geifman & El-Yaniv 2017 (arXiv 1705.08500); with `delta`: Angelopoulos et al. 2021
    (arXiv 2110.01052).
    Blind to: calibration. Without `delta`, the threshold is chosen on the same answers, so the
    value is optimistic: on new answers the same threshold has more errors about half of the time.
    Missing confidences: every judged question counts; those without a confidence, and declined
    replies, are never accepted. Undefined (NaN) without questions.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
    bounds: ClassVar[tuple[float, float]] = (0, 1)

    risk: float = Field(0.1, ge=0, lt=1, description="largest error rate of the accepted answers")
    delta: FingerprintedIfSet[float | None] = Field(
        None,
        gt=0,
        lt=1,
        description="probability that more of the accepted new answers are wrong, such as 0.05; "
        "null: no guarantee",
    )

    @property
    def uses_clusters(self) -> bool:
        return self.delta is not None

    def resampled(self, predictions: PredictionArrays, weights: Array) -> Array:
        import numpy as np

        if self.delta is not None:
            _, answers, _, allowed = thresholds(predictions, weights, self.risk, self.delta)
        else:
            answers, correct = from_the_top(predictions, weights)
            if np.isnan(predictions.confidence).any():
                answers, correct = answers[:, :-1], correct[:, :-1]
            allowed = answers - correct <= self.risk * answers + 1e-9
        return ratio((answers * allowed).max(axis=1, initial=0), weights.sum(axis=1))


class ThresholdUtility(Weighted):
    """Mean utility of a user who accepts the answers with at least a given confidence.

    Formula: mean of [c >= t] * (y - (1 - y) * t / (1 - t)), the utility at which accepting an
    answer of probability t is worth nothing. Range [-t / (1 - t), 1], higher is better; accepting
    nothing gains 0. The mean over all thresholds, weighted by 2 (1 - t), is the mean of
    y - (c - y)^2: for answers that are right or wrong, accuracy minus the Brier score.

    Source: arXiv 2512.19920.
    Blind to: every difference between confidences on the same side of the threshold.
    Missing confidences: ignored, so report the parse rate with it. Declined replies: utility 0.
    Undefined (NaN) without a stated confidence and without a declined reply.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
    bounds: ClassVar[tuple[float, float]] = (-math.inf, 1)

    threshold: float = Field(
        0.5, ge=0, lt=1, description="confidence at which answers are accepted"
    )

    def resampled(self, predictions: PredictionArrays, weights: Array) -> Array:
        import numpy as np

        counts = ~np.isnan(predictions.confidence) | ~predictions.answered
        loss = self.threshold / (1 - self.threshold)
        gains = predictions.correct - (1 - predictions.correct) * loss
        # NaN is not at least the threshold: nothing is accepted.
        utility = gains * (predictions.confidence >= self.threshold - 1e-9)
        return ratio(weights @ (utility * counts), weights @ counts)
