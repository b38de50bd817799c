"""Bins of confidence: which there are, and what lies in them, resample by resample."""

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
    the first one closed. Stated confidences lie on bin edges, where binary fractions fall on
    either side (0.29 * 100 is 28.999999999999996): what is within 1e-9 of an edge is taken to be
    that edge.
    """
    import numpy as np

    scaled = confidence * bins
    nearest = np.rint(scaled)
    on_edge = np.abs(scaled - nearest) < 1e-9 * bins
    index = np.where(on_edge, nearest - (edge == "right"), np.floor(scaled))
    return np.clip(index, 0, bins - 1).astype(np.intp)


class Sums(NamedTuple):
    """What lies in each bin: arrays [R, bins]; bins may be empty.

    Attributes:
        n: number of answers.
        confidence, correct: sums over them.
    """

    n: Array
    confidence: Array
    correct: Array


class Binned(Weighted):
    """A metric over bins of confidence."""

    bins: int = Field(10, ge=1, description="number of bins; `distinct` has as many as values")
    binning: Literal["width", "mass", "distinct"] = Field(
        "width",
        description="bins of equal width, of equal numbers of answers, or one for each value",
    )
    edge: Edge = Field("left", description="the end that a bin of equal width includes")

    def sums(self, predictions: PredictionArrays, weights: Array) -> Sums:
        """What lies in each bin, of the answers with a stated confidence."""
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
    """Levels of ascending confidence, cut into bins that hold exactly 1/bins of the answers each.

    A level that lies across a cut is divided in proportion: its answers are interchangeable, and
    this is the mean over all their orders.
    """
    import numpy as np

    resamples, levels = at.n.shape
    if not levels:
        return Sums(*(np.zeros((resamples, bins)) for _ in at))
    reached = np.cumsum(at.n, axis=1)
    total = reached[:, -1:]
    cuts = total * np.arange(1, bins) / bins
    # One search for all resamples: each has its own stretch of the line.
    stretch = np.arange(resamples)[:, None] * (total.max() + 1)
    place = np.searchsorted((reached + stretch).ravel(), (cuts + stretch).ravel())
    place = np.minimum(
        place.reshape(cuts.shape) - np.arange(resamples)[:, None] * levels, levels - 1
    )
    row = np.arange(resamples)[:, None]
    n = at.n[row, place]
    part = (cuts - (reached[row, place] - n)) / np.where(n == 0, 1, n)

    def cut(values: Array) -> Array:
        upto = np.cumsum(values, axis=1)
        inner = upto[row, place] - values[row, place] * (1 - part)
        return np.diff(np.hstack([np.zeros((resamples, 1)), inner, upto[:, -1:]]), axis=1)

    return Sums(np.repeat(total / bins, bins, axis=1), cut(at.confidence), cut(at.correct))
