"""Agreement between raters, computed on many bootstrap resamples at once.

A resample is a row of weights: how often each item was drawn. Ratings are from 1 to 5, and NaN
where an item was not rated.

Sources: Cohen 1968, "Weighted kappa"; Krippendorff 2011, "Computing Krippendorff's
Alpha-Reliability".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from saysel.study.items import LEVELS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

K = len(LEVELS)


def weighted_kappa(first: Array, second: Array, weights: Array) -> Array:
    """Cohen's kappa with quadratic weights, on the items that both raters have rated.

    Args:
        first, second: the ratings of two raters: [n].
        weights: [R, n].

    Returns:
        [R], at most 1; NaN if the raters cannot disagree: no item, or one level only.
    """
    import numpy as np

    a, b = _indicators(first), _indicators(second)  # [n, K]
    pairs = (a[:, :, None] * b[:, None, :]).reshape(len(a), K * K)
    counts = (weights @ pairs).reshape(-1, K, K)
    distance = np.subtract.outer(np.arange(K), np.arange(K)) ** 2
    total = counts.sum((1, 2))
    by_chance = counts.sum(2)[:, :, None] * counts.sum(1)[:, None, :]
    observed = total * (counts * distance).sum((1, 2))
    return 1 - _quotient(observed, (by_chance * distance).sum((1, 2)))


def ordinal_alpha(ratings: Array, weights: Array) -> Array:
    """Krippendorff's alpha for ordinal ratings, on the items with at least two.

    Args:
        ratings: [raters, n].
        weights: [R, n].

    Returns:
        [R], at most 1; NaN if there is no item, or one level only.
    """
    import numpy as np

    counts = np.sum([_indicators(one) for one in ratings], axis=0)  # [n, K]
    raters = counts.sum(1)
    # Pairs of ratings of the same item by different raters.
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(K)
    pairs = np.where(raters >= 2, 1 / np.maximum(raters - 1, 1), 0)[:, None, None] * pairs
    coincidences = (weights @ pairs.reshape(len(counts), K * K)).reshape(-1, K, K)
    frequency = coincidences.sum(2)  # [R, K]
    # The distance of two levels is the number of ratings between them, with half of those at
    # either end.
    middle = frequency.cumsum(1) - frequency / 2
    distance = (middle[:, :, None] - middle[:, None, :]) ** 2
    by_chance = frequency[:, :, None] * frequency[:, None, :]
    observed = (frequency.sum(1) - 1) * (coincidences * distance).sum((1, 2))
    return 1 - _quotient(observed, (by_chance * distance).sum((1, 2)))


def _indicators(ratings: Array) -> Array:
    """[n] to [n, K]: 1 at the level of each rating, all 0 where there is none."""
    import numpy as np

    indicators: Array = np.equal.outer(ratings, np.array(LEVELS)).astype(np.float64)
    return indicators


def _quotient(above: Array, below: Array) -> Array:
    import numpy as np

    quotient: Array = np.full(above.shape, np.nan)
    np.divide(above, below, out=quotient, where=below > 0)
    return quotient
