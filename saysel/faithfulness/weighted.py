"""Statistics over questions, on many bootstrap resamples at once.

A resample is a row of weights: how often each of the n questions was drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class Statistic(NamedTuple):
    """A statistic that is computed on resamples.

    Attributes:
        compute: from weights [R, n] to values [R]; NaN if the value is not defined.
        rows: the questions that it is based on.
    """

    compute: Callable[[Array], Array]
    rows: npt.NDArray[np.intp]

    @property
    def used(self) -> int:
        """How many questions it is based on."""
        return len(self.rows)


def ratio(numerators: Array, denominators: Array) -> Statistic:
    """Sum of the numerators over sum of the denominators; NaN if the latter is 0."""
    import numpy as np

    def compute(weights: Array) -> Array:
        total = weights @ denominators
        return np.where(total > 0, weights @ numerators / np.where(total > 0, total, 1), np.nan)

    return Statistic(compute, np.flatnonzero(denominators))


def mean(values: Sequence[float | None]) -> Statistic:
    """The mean of the values that are not missing."""
    import numpy as np

    present = np.array([value is not None for value in values], dtype=np.float64)
    return ratio(np.array([value or 0.0 for value in values]), present)


def rank_correlation(first: Array, second: Array, rows: npt.NDArray[np.intp]) -> Statistic:
    """Spearman's rank correlation over some rows; NaN if one side does not vary.

    Args:
        first, second: the values of these rows.
        rows: which of the n questions they belong to.
    """
    import numpy as np

    def compute(weights: Array) -> Array:
        w = weights[:, rows]
        total = np.maximum(w.sum(-1, keepdims=True), 1)
        x, y = _ranks(first, w), _ranks(second, w)
        x = x - (w * x).sum(-1, keepdims=True) / total
        y = y - (w * y).sum(-1, keepdims=True) / total
        spread = np.sqrt((w * x**2).sum(-1) * (w * y**2).sum(-1))
        constant = spread < 1e-9
        return np.where(constant, np.nan, (w * x * y).sum(-1) / np.where(constant, 1, spread))

    return Statistic(compute, rows)


def _ranks(values: Array, weights: Array) -> Array:
    """Mean rank of each value among all in each resample: [R, n]."""
    import numpy as np

    levels, level_of = np.unique(values.round(12), return_inverse=True)
    counts = weights @ (level_of[:, None] == np.arange(len(levels)))
    middle: Array = counts.cumsum(-1) - counts / 2
    return middle[:, level_of]
