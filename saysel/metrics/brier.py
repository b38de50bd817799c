"""The Brier score and its decomposition into three parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.metrics.binning import Binned
from saysel.scoring.resampling import Mean, Weighted, ratio, stated

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Brier(Mean):
    """Mean squared difference between confidence and correctness.

    Formula: mean of (c - y)^2 over confidence c and correctness y. Range [0, 1], lower is better;
    always stating 0.5 scores 0.25. A proper score: honest confidence minimises its expectation.

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    Blind to: whether a loss is due to poor calibration or to poor discrimination; its parts
    `brier_reliability`, `brier_resolution` and `brier_uncertainty` tell them apart.
    Missing confidences: ignored, so report the parse rate with it. Undefined (NaN) without any
    stated confidence.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0, 1)

    def each(self, stated: PredictionArrays) -> npt.NDArray[np.float64]:
        return (stated.confidence - stated.correct) ** 2


class BrierReliability(Binned):
    """The part of the Brier score due to miscalibration.

    Formula: sum over bins of n_b / n * (mean confidence - mean correctness)^2. Range [0, 1],
    lower is better.

    Brier = reliability - resolution + uncertainty: exact if every bin contains a single confidence
    (`binning: distinct`), and up to the variation within bins otherwise.

    Source: Murphy 1973, "A new vector partition of the probability score"; within bins:
    Stephenson et al. 2008, "Two extra components in the Brier score decomposition".
    Blind to: whether confidence separates correct answers from wrong ones. Biased upward if bins
    contain few answers, so do not use `distinct` if nearly all confidences differ.
    Missing confidences: ignored, so report the parse rate with it. Undefined (NaN) without any
    stated confidence.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0, 1)
    zero_if: ClassVar[Literal["calibrated", "uninformative"] | None] = "calibrated"

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        import numpy as np

        n, confidence, correct = self.sums(predictions, weights)
        squares = (confidence - correct) ** 2 / np.where(n == 0, 1, n)
        return ratio(squares.sum(axis=1), n.sum(axis=1))


class BrierResolution(Binned):
    """The part of the Brier score gained by separating correct from wrong answers.

    Formula: sum over bins of n_b / n * (mean correctness of the bin - mean correctness)^2. Range
    from 0 to the uncertainty (at most 0.25), higher is better; 0 for a constant confidence. See
    `brier_reliability` for how the parts add up.

    Source: Murphy 1973, "A new vector partition of the probability score".
    Blind to: calibration, and the direction: it only measures whether different confidences have
    different shares of correct answers. Biased upward if bins contain few answers: about
    uncertainty * (bins - 1) / n is due to chance.
    Missing confidences: ignored, so report the parse rate with it. Undefined (NaN) without any
    stated confidence.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
    bounds: ClassVar[tuple[float, float]] = (0, 0.25)
    zero_if: ClassVar[Literal["calibrated", "uninformative"] | None] = "uninformative"

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        import numpy as np

        n, _, correct = self.sums(predictions, weights)
        total = n.sum(axis=1, keepdims=True)
        mean = ratio(correct.sum(axis=1, keepdims=True), total)
        deviations = np.where(n == 0, 0, (correct - n * mean) ** 2 / np.where(n == 0, 1, n))
        return ratio(deviations.sum(axis=1), total[:, 0])


class BrierUncertainty(Weighted):
    """The part of the Brier score that depends on the answers only, not on the confidence.

    Formula: the variance of correctness; a (1 - a) at accuracy a if answers are either correct or
    wrong. Range [0, 0.25], descriptive only. It is the Brier score of always stating the accuracy.

    Source: Murphy 1973, "A new vector partition of the probability score".
    Blind to: confidence.
    Missing confidences: ignored, so that the parts add up. Undefined (NaN) without any stated
    confidence.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "neither"
    bounds: ClassVar[tuple[float, float]] = (0, 0.25)

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        import numpy as np

        predictions, weights = stated(predictions, weights)
        total = weights.sum(axis=1)
        mean = ratio(weights @ predictions.correct, total)
        variance = ratio(weights @ predictions.correct**2, total) - mean**2
        return np.maximum(variance, 0)  # it may be below 0 by a rounding error
