"""The bootstrap over seeds and questions: how far a mean over seeds may be from the true mean.

A mean over S seeds differs from that over all seeds for two reasons. The questions could have been
others, and the bootstrap resamples them, or their clusters. And the seeds could have been others:
their values have a variance s², and the mean of S of them has the error

    s/√S · t,    t from Student's distribution with S - 1 degrees of freedom.

Seeds are few, so the second level is drawn from that distribution and not by resampling the seeds:
three seeds have only ten different resamples. With three seeds that differ far more than by
chance, intervals from resampled seeds contain the true value 79 times in 100, these 95 times.

The variance s² between seeds contains the noise of the questions that a seed has to itself. Only
the error that all seeds share is added to it: all of it if they answer the same questions, none
if every seed has its own. At every level, the interval is never narrower than that of the questions
alone: few seeds often agree by chance, in a share of few questions even exactly.

Source: Davison & Hinkley 1997, "Bootstrap Methods and their Application", section 3.8; Owen 2007,
"The pigeonhole bootstrap"; Student 1908, "The probable error of a mean".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


def across_seeds(values: Array, draws: Array, seed: int) -> Array:
    """Draws of the mean over seeds, for its interval and tests: [R].

    Args:
        values: of each seed: [S].
        draws: the value of each seed on resamples of its questions: [S, R]. Questions or clusters
            that several seeds share are drawn together. A draw may be NaN.
        seed: of the random numbers.

    Returns:
        For a single seed its own draws: they contain the error of the questions alone.
    """
    import numpy as np

    seeds, count = draws.shape
    if seeds == 1:
        only: Array = draws[0]
        return only
    errors = draws - np.nanmean(draws, axis=1, keepdims=True)
    error = errors.mean(axis=0)
    own = np.nanmean(errors.var(axis=0, ddof=1)) / seeds
    variance = np.nanvar(error)
    shared = max(0.0, 1 - own / variance) if variance > 0 else 0.0
    t = np.random.default_rng(seed).standard_t(seeds - 1, size=count)
    between = np.sqrt(values.var(ddof=1) / seeds) * t
    return float(values.mean()) + _wider(error, np.sqrt(shared) * error + between)


def _wider(one: Array, other: Array) -> Array:
    """Draws whose quantiles are those of the two samples that are further from the median.

    Their intervals contain those of both at every level, so that a p-value is the larger of two.
    Both are NaN equally often.
    """
    import numpy as np

    one, other = np.sort(one), np.sort(other)  # NaN last
    middle = np.isfinite(one).sum() // 2
    low = np.minimum(one[:middle], other[:middle])
    high = np.maximum(one[middle:], other[middle:])
    return np.concatenate([low, high])
