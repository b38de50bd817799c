"""Intervals of shares, such as accuracy, that are valid even if no or all answers are correct.

Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference". Grades
and clusters enter through the effective number of answers: Korn & Graubard 1998, "Confidence
intervals for proportions with small expected number of positive counts estimated from survey
data"; Franco et al. 2019, "Comparative study of confidence intervals for proportions in complex
sample surveys".
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: The 97.5 % quantile of the standard normal distribution.
Z = 1.959963984540054


def share_interval(
    values: npt.NDArray[np.float64], cluster: npt.NDArray[np.intp] | None = None
) -> tuple[float, float] | None:
    """The 95 % interval of the mean of numbers in [0, 1]; `None` without any.

    Args:
        values: one per question, mostly 0 or 1.
        cluster: the cluster of each, numbered from 0. Correlation within clusters reduces the
            effective number of answers; if all answers are equal, that is the number of clusters.
    """
    import numpy as np
    from scipy.special import stdtrit

    n = len(values)
    if not n:
        return None
    share = float(values.mean())
    units, z = n, Z
    residuals: npt.NDArray[np.float64] = values - share
    if cluster is not None:
        number = np.unique(cluster, return_inverse=True)[1]
        sums = np.bincount(number, residuals)
        units = len(sums)
        z = float(stdtrit(max(1, units - 1), 0.975))
        residuals = np.asarray(sums * sqrt(units / max(1, units - 1)), dtype=np.float64)
    variance = float(residuals @ residuals) / n**2
    effective = share * (1 - share) / variance if variance > 1e-12 / n else units
    # Clusters that differ less than by chance do not justify a narrower interval.
    return wilson(share, min(effective, n) if cluster is not None else effective, z)


def wilson(share: float, n: float, z: float = Z) -> tuple[float, float]:
    """Wilson's interval of a share of n answers."""
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(max(0.0, share * (1 - share)) / n + z * z / (4 * n * n))
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
