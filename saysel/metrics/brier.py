"""The Brier score and the three parts it falls into."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.metrics.binning import Binned
from saysel.scoring.resampling import Mean, Weighted, ratio, stated

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Brier(Mean):
    """Mean squared distance between confidence and correctness.

    Formula: mean (c - y)^2 over confidence c and correctness y. Range [0, 1], lower is better;
    always saying 0.5 scores 0.25. A proper score: honest confidence minimises its expectation.

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    Can't see: whether a loss comes from bad calibration or from answers that are hard to tell
    apart; its parts `brier_reliability`, `brier_resolution` and `brier_uncertainty` do.
    Missing confidences: only questions with a stated confidence count, so read it beside the
    parse rate. Not defined (NaN) without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"

    def each(self, stated: PredictionArrays) -> npt.NDArray[np.float64]:
        return (stated.confidence - stated.correct) ** 2


class BrierReliability(Binned):
    """The part of the Brier score that bad calibration costs.

    Formula: sum over bins of n_b / n * (mean confidence - mean correctness)^2. Range [0, 1],
    lower is better.

    Brier = reliability - resolution + uncertainty, exactly where every bin holds one confidence
    (`binning: distinct`), and up to what varies within the bins otherwise.

    Source: Murphy 1973, "A new vector partition of the probability score"; within bins:
    Stephenson et al. 2008, "Two extra components in the Brier score decomposition".
    Can't see: whether confidence tells right answers from wrong ones. Biased upward for few
    answers in a bin, so not to be read with `distinct` where nearly every confidence is another.
    Missing confidences: only questions with a stated confidence count, so read it beside the
    parse rate. Not defined (NaN) without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    zero_if: ClassVar[Literal["calibrated", "uninformative"] | None] = "calibrated"

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        import numpy as np

        n, confidence, correct = self.sums(predictions, weights)
        squares = (confidence - correct) ** 2 / np.where(n == 0, 1, n)
        return ratio(squares.sum(axis=1), n.sum(axis=1))


class BrierResolution(Binned):
    """The part of the Brier score that telling right answers from wrong ones wins.

    Formula: sum over bins of n_b / n * (mean correctness of the bin - mean correctness)^2. Range
    0 to the uncertainty (at most 0.25), higher is better; 0 for a constant confidence. See
    `brier_reliability` for how the parts add up.

    Source: Murphy 1973, "A new vector partition of the probability score".
    Can't see: calibration, only whether different confidences go with different shares of right
    answers, in whatever direction. Biased upward for few answers in a bin: about
    uncertainty * (bins - 1) / n comes from chance alone.
    Missing confidences: only questions with a stated confidence count, so read it beside the
    parse rate. Not defined (NaN) without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
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
    """The part of the Brier score that is in the answers, whatever the confidence.

    Formula: the variance of correctness, a (1 - a) at accuracy a where answers are right or
    wrong. Range [0, 0.25]; it describes the answers and is neither good nor bad. It is the Brier
    score of always stating the accuracy.

    Source: Murphy 1973, "A new vector partition of the probability score".
    Can't see: anything about confidence.
    Missing confidences: only questions with a stated confidence count, so that the parts add up.
    Not defined (NaN) without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "neither"

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        predictions, weights = stated(predictions, weights)
        total = weights.sum(axis=1)
        mean = ratio(weights @ predictions.correct, total)
        return ratio(weights @ predictions.correct**2, total) - mean**2
