"""Bins of confidence, and the sums over the answers in each, resample by resample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Levels, Weighted, stated

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

Edge = Literal["left", "right"]


def bin_of(confidence: Array, bins: int, edge: Edge = "left") -> npt.NDArray[np.intp]:
    """The equal-width bin of each confidence.

    Left-closed: [k/bins, (k+1)/bins), the last one closed. Right-closed: (k/bins, (k+1)/bins],
    the first one closed. Stated confidences often are bin edges, and floating-point numbers fall on
    either side of them (0.29 * 100 is 28.999999999999996), so a confidence within 1e-9 of an edge
    counts as that edge.
    """
    import numpy as np

    scaled = confidence * bins
    nearest = np.rint(scaled)
    on_edge = np.abs(scaled - nearest) < 1e-9 * bins
    index = np.where(on_edge, nearest - (edge == "right"), np.floor(scaled))
    return np.clip(index, 0, bins - 1).astype(np.intp)


class Sums(NamedTuple):
    """Sums over the answers in each bin: arrays [R, bins]; bins may be empty.

    Attributes:
        n: number of answers.
        confidence, correct: their sums.
    """

    n: Array
    confidence: Array
    correct: Array


class Binned(Weighted):
    """A metric over bins of confidence."""

    bins: int = Field(10, ge=1, description="number of bins; ignored by `distinct`")
    binning: Literal["width", "mass", "distinct"] = Field(
        "width",
        description="bins of equal width, of equal numbers of answers, or one per value",
    )
    edge: Edge = Field("left", description="the end that a bin of equal width includes")

    def sums(self, predictions: PredictionArrays, weights: Array) -> Sums:
        """The sums in each bin, over the answers with a stated confidence."""
        import numpy as np

        rows, weights = stated(predictions, weights)
        if self.binning == "width":
            inside = np.equal.outer(bin_of(rows.confidence, self.bins, self.edge), range(self.bins))
            confidence, correct = rows.confidence[:, None], rows.correct[:, None]
            values = np.hstack([inside, inside * confidence, inside * correct])
            return Sums(*np.split(weights @ values, 3, axis=1))
        levels = Levels(rows.confidence)
        at = Sums(
            levels.sums(weights),
            levels.sums(weights * rows.confidence),
            levels.sums(weights * rows.correct),
        )
        return at if self.binning == "distinct" else equal_mass(at, self.bins)


def equal_mass(at: Sums, bins: int) -> Sums:
    """Levels of ascending confidence, cut into bins with exactly 1/bins of the answers each.

    A level that straddles a cut is divided in proportion. Its answers are interchangeable, and this
    is the mean over all their orders.
    """
    import numpy as np

    resamples, levels = at.n.shape
    if not levels:
        return Sums(*(np.zeros((resamples, bins)) for _ in at))
    reached = np.cumsum(at.n, axis=1)
    total = reached[:, -1:]
    cuts = total * np.arange(1, bins) / bins
    # One search for all resamples: each has its own section of the line.
    section = np.arange(resamples)[:, None] * (total.max() + 1)
    level = np.searchsorted((reached + section).ravel(), (cuts + section).ravel())
    level = np.minimum(
        level.reshape(cuts.shape) - np.arange(resamples)[:, None] * levels, levels - 1
    )
    row = np.arange(resamples)[:, None]
    n = at.n[row, level]
    part = (cuts - (reached[row, level] - n)) / np.where(n == 0, 1, n)

    def sums(values: Array) -> Array:
        running = np.cumsum(values, axis=1)
        inner = running[row, level] - values[row, level] * (1 - part)
        return np.diff(np.hstack([np.zeros((resamples, 1)), inner, running[:, -1:]]), axis=1)

    return Sums(np.repeat(total / bins, bins, axis=1), sums(at.confidence), sums(at.correct))
