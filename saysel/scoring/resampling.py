"""Base classes and helpers of the built-in metrics, which compute many resamples at a time.

A resample is a row of weights: how often each prediction was drawn. Sums over a resample are then
matrix products with the weights, and metrics that depend on the order of predictions sort them
only once.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from saysel.interfaces import Metric, PredictionArrays

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class Weighted(Metric):
    """A metric of weighted predictions; its plain value has all weights 1."""

    @property
    def uses_clusters(self) -> bool:
        """Whether the value, and not only its interval, depends on the predictions' clusters.

        If so, the rows of `resampled` are the predictions, and equal ones are not merged.
        """
        return False

    def compute(self, predictions: PredictionArrays) -> float:
        import numpy as np

        return float(self.resampled(predictions, np.ones((1, len(predictions))))[0])

    @abstractmethod
    def resampled(self, predictions: PredictionArrays, weights: Array) -> Array:
        """The value on each resample; see `Metric.resampled`."""


class Mean(Weighted):
    """A metric that is the mean of one number per question with a stated confidence."""

    @abstractmethod
    def each(self, stated: PredictionArrays) -> Array:
        """The number of each question."""

    def resampled(self, predictions: PredictionArrays, weights: Array) -> Array:
        predictions, weights = stated(predictions, weights)
        return ratio(weights @ self.each(predictions), weights.sum(axis=1))


class Share(Weighted):
    """A metric that is the mean of one number in [0, 1] per question, mostly 0 or 1.

    Its interval is Wilson's, see `saysel.scoring.shares`. A metric whose numbers are in [least, 1]
    is a share on another scale, and has the same interval on that scale.
    """

    uses_confidence: ClassVar[bool] = False

    #: Whether replies that decline to answer are left out.
    answered_only: ClassVar[bool] = False
    #: The smallest number that a question can have, and the largest, which is 1.
    bounds: ClassVar[tuple[float, float]] = (0, 1)

    @abstractmethod
    def each(self, predictions: PredictionArrays) -> Array:
        """The number of each question that counts."""

    def counted(self, predictions: PredictionArrays) -> npt.NDArray[np.intp]:
        """The rows that count."""
        import numpy as np

        if self.answered_only:
            return np.flatnonzero(predictions.answered)
        return np.arange(len(predictions))

    def resampled(self, predictions: PredictionArrays, weights: Array) -> Array:
        rows = self.counted(predictions)
        weights = weights[:, rows]
        return ratio(weights @ self.each(predictions.take(rows)), weights.sum(axis=1))


def counted_rows(metric: Metric, predictions: PredictionArrays) -> npt.NDArray[np.intp]:
    """The rows that the metric's value depends on.

    Many metrics ignore questions without a confidence, or without a token count: their value is
    the same without them.
    """
    import numpy as np

    if isinstance(metric, Share):
        return metric.counted(predictions)
    rows = np.arange(len(predictions))
    for column in (predictions.confidence, predictions.tokens):
        if column is None:
            continue
        known = rows[np.isfinite(column[rows])]
        if len(known) < len(rows):
            before, after = (metric.compute(predictions.take(some)) for some in (rows, known))
            rows = known if before == after else rows
    return rows


#: Up to this many levels are summed by a matrix product, more by a running sum.
MAX_PRODUCT_LEVELS = 32


class Levels:
    """Predictions grouped by equal keys, in ascending order.

    Args:
        key: one number per prediction. Keys are compared exactly, because probabilities of long
            texts are tiny and still differ.
    """

    def __init__(self, key: Array) -> None:
        import numpy as np

        ascending = bool((key[1:] >= key[:-1]).all())
        self.order = None if ascending else np.argsort(key, kind="stable")
        ordered = key if self.order is None else key[self.order]
        self.starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(key)])
        self.keys = ordered[self.starts]
        few = len(self.keys) <= MAX_PRODUCT_LEVELS
        self.members = np.equal.outer(key, self.keys).astype(np.float64) if few else None

    def sums(self, values: Array) -> Array:
        """[R, n] to [R, levels]: the sum over each level."""
        import numpy as np

        if self.members is not None:
            return values @ self.members
        if self.order is not None:
            values = values[:, self.order]
        if len(self.starts) == values.shape[1]:
            return values
        added: Array = np.add.reduceat(values, self.starts, axis=1)
        return added


def stated(predictions: PredictionArrays, weights: Array) -> tuple[PredictionArrays, Array]:
    """The predictions with a stated confidence, and their weights."""
    import numpy as np

    keep = np.flatnonzero(~np.isnan(predictions.confidence))
    if len(keep) == len(predictions):
        return predictions, weights
    return predictions.take(keep), weights[:, keep]


def ratio(above: Any, below: Any) -> Array:
    """The quotient; NaN for a division by zero."""
    import numpy as np

    above, below = np.broadcast_arrays(above, below)
    quotient: Array = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=below != 0)
    return quotient
