"""Calibration error over bins: its mean, and its maximum."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.metrics.binning import Binned
from saysel.scoring.resampling import ratio

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Ece(Binned):
    """Expected calibration error: over bins, the gap between confidence and accuracy.

    Formula: sum over bins of n_b / n * |mean confidence - mean correctness|. Range [0, 1], lower
    is better.

    The bins make the number. `width`: [k/B, (k+1)/B) with the last one closed, or with
    `edge: right` (k/B, (k+1)/B] with the first one closed; stated confidences lie on edges, so
    the side matters. `mass`: each holds 1/B of the answers, ties divided in proportion.
    `distinct`: one for each confidence that occurs, for stated confidences only.

    Source: Naeini et al. 2015; Guo et al. 2017 (arXiv 1706.04599), there with right-closed bins.
    torchmetrics gives a confidence of exactly 1 a bin of its own; lm-polygraph and uqlm have
    right-closed bins, with other numbers of them by default.
    Can't see: whether confidence tells right answers from wrong ones (always stating the base
    rate scores 0), and gaps that cancel within a bin. Biased upward for small n and for well
    calibrated models; `distinct` most of all where nearly every confidence is another.
    Missing confidences: only questions with a stated confidence count, so read it beside the
    parse rate. Not defined (NaN) without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    zero_if: ClassVar[Literal["calibrated", "uninformative"] | None] = "calibrated"

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        n, confidence, correct = self.sums(predictions, weights)
        # n_b * |mean c - mean y| is the absolute difference of the sums in the bin.
        return ratio(abs(confidence - correct).sum(axis=1), n.sum(axis=1))


class Mce(Binned):
    """Maximum calibration error: the gap between confidence and accuracy in the worst bin.

    Formula: maximum over bins that hold answers of |mean confidence - mean correctness|; the
    bins are those of `ece`. Range [0, 1], lower is better.

    Source: Naeini et al. 2015; Guo et al. 2017 (arXiv 1706.04599).
    Can't see: how many answers the worst bin holds. One answer in a bin of its own decides it, so
    it is mostly noise with equal-width bins.
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
        gaps = abs(confidence - correct) / np.where(n == 0, 1, n)
        worst = gaps.max(axis=1, initial=0)
        return np.where(n.sum(axis=1) > 0, worst, np.nan)
