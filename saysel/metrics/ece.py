"""Expected calibration error over equal-width bins."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from saysel.interfaces import Columns, Metric

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def bin_of(confidence: npt.NDArray[np.float64], bins: int) -> npt.NDArray[np.intp]:
    """The equal-width bin of each confidence: [k/bins, (k+1)/bins), the last one closed.

    Stated confidences lie on bin edges, where binary fractions fall on either side (0.29 * 100
    is 28.999999999999996): what is within 1e-9 of an edge is taken to be that edge.
    """
    import numpy as np

    scaled = confidence * bins
    edge = np.rint(scaled)
    index = np.where(np.abs(scaled - edge) < 1e-9 * bins, edge, np.floor(scaled))
    return np.clip(index, 0, bins - 1).astype(np.intp)


class Ece(Metric):
    """Expected calibration error: equal-width bins, gap between confidence and accuracy.

    Formula: sum over bins of n_b / n * |mean confidence - mean correctness|, the bins being
    [k/B, (k+1)/B) with the last one closed. Range [0, 1], lower is better.

    Source: Naeini et al. 2015; Guo et al. 2017 (arXiv 1706.04599), there with right-closed bins.
    Can't see: whether confidence tells right answers from wrong ones (always stating the base
    rate scores 0), and gaps that cancel within a bin. Biased upward for small n and for well
    calibrated models.
    Missing confidences: only questions with a stated confidence count, so read it beside the
    parse rate. Not defined (NaN) without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"

    bins: int = Field(10, ge=1, description="number of equal-width bins")

    def compute(self, predictions: Columns) -> float:
        import numpy as np

        stated = predictions.stated()
        if not len(stated):
            return float("nan")
        # n_b * |mean c - mean y| is the absolute sum of the differences in the bin.
        index = bin_of(stated.confidence, self.bins)
        gaps = np.bincount(index, stated.confidence - stated.correct, minlength=self.bins)
        return float(np.abs(gaps).sum() / len(stated))
