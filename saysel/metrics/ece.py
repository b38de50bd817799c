"""Calibration error over bins: its mean, its maximum and its root mean square."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from saysel.interfaces import PredictionArrays
from saysel.metrics.binning import Binned, Sums, equal_mass
from saysel.scoring.resampling import Levels, Weighted, ratio, stated

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Ece(Binned):
    """Expected calibration error: mean gap between confidence and accuracy over bins.

    Formula: sum over bins of n_b / n * |mean confidence - mean correctness|. Range [0, 1], lower
    is better.

    The value depends on the bins. `width`: [k/B, (k+1)/B) with the last one closed, or with
    `edge: right` (k/B, (k+1)/B] with the first one closed; stated confidences often are bin edges,
    so the side matters. `mass`: each contains 1/B of the answers, ties divided in proportion.
    `distinct`: one for each confidence that occurs.

    Source: Naeini et al. 2015; Guo et al. 2017 (arXiv 1706.04599), there with right-closed bins.
    torchmetrics has an extra bin for a confidence of exactly 1; lm-polygraph and uqlm use
    right-closed bins and other default numbers of bins.
    Blind to: whether confidence separates correct answers from wrong ones (always stating the
    base rate scores 0), and gaps that cancel within a bin. Biased upward for small n and for
    well-calibrated models, most of all with `distinct` if nearly all confidences differ.
    Missing confidences: ignored, so report the parse rate with it. Undefined (NaN) without any
    stated confidence.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0, 1)
    zero_if: ClassVar[Literal["calibrated", "uninformative"] | None] = "calibrated"

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        n, confidence, correct = self.sums(predictions, weights)
        # n_b * |mean c - mean y| is the absolute difference of the sums in the bin.
        return ratio(abs(confidence - correct).sum(axis=1), n.sum(axis=1))


class Mce(Binned):
    """Maximum calibration error: gap between confidence and accuracy in the worst bin.

    Formula: maximum of |mean confidence - mean correctness| over non-empty bins; the bins are
    those of `ece`. Range [0, 1], lower is better.

    Source: Naeini et al. 2015; Guo et al. 2017 (arXiv 1706.04599).
    Blind to: the number of answers in the worst bin. A single answer in a bin can determine it, so
    it is mostly noise with bins of equal width.
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
        gaps = abs(confidence - correct) / np.where(n == 0, 1, n)
        worst = gaps.max(axis=1, initial=0)
        return np.where(n.sum(axis=1) > 0, worst, np.nan)


class RmsCalibrationError(Weighted):
    """Root mean square calibration error: gap between confidence and accuracy, large gaps most.

    Formula: sqrt(sum over bins of n_b / n * (mean confidence - mean correctness)^2), over bins of
    about `bin_size` answers each, in the order of confidence; ties are divided in proportion.
    Range [0, 1], lower is better.

    Source: Hendrycks et al. 2019 (arXiv 1812.04606), with bins of 100; reported by Humanity's Last
    Exam (arXiv 2501.14249). Their code adds the remainder to the last bin, and leaves that bin, the
    most confident answers, out of the sum; here all bins are equal, and all count.
    Blind to: whether confidence separates correct answers from wrong ones. Biased upward for small
    n; with fewer than two bins it is the absolute gap between mean confidence and accuracy.
    Missing confidences: ignored, so report the parse rate with it. Undefined (NaN) without any
    stated confidence.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0, 1)
    zero_if: ClassVar[Literal["calibrated", "uninformative"] | None] = "calibrated"

    bin_size: int = Field(100, ge=1, description="answers in each bin")

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        import numpy as np

        rows, weights = stated(predictions, weights)
        levels = Levels(rows.confidence)
        sums = Sums(*(levels.sums(weights * each) for each in (1, rows.confidence, rows.correct)))
        # A row stands for several answers. Resamples of clusters have different numbers of them.
        bins = np.maximum(1, weights.sum(axis=1) // self.bin_size).astype(np.intp)
        values = np.full(len(weights), np.nan)
        for count in np.unique(bins):
            chosen = bins == count
            n, confidence, correct = equal_mass(Sums(*(part[chosen] for part in sums)), int(count))
            squares = np.nansum(ratio((confidence - correct) ** 2, n), axis=1)
            values[chosen] = np.sqrt(ratio(squares, n.sum(axis=1)))
        return values
