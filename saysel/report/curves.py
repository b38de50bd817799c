"""What the figures draw, as numbers: bins with their intervals, risk by coverage."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from saysel.interfaces import PredictionArrays
from saysel.metrics.binning import bin_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Bins of the reliability diagram and the histogram, as ECE has them by default.
BINS = 10


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies in one bin.

    Attributes:
        start, end: the bin's edges.
        n: how many answers.
        right: how many of them, graded answers counting their grade.
        confidence: their mean confidence.
    """

    start: float
    end: float
    n: int
    right: float
    confidence: float

    @property
    def accuracy(self) -> float:
        return self.right / self.n

    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy (Wilson 1927)."""
        z, n, p = 1.96, self.n, self.accuracy
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


def reliability(columns: PredictionArrays) -> list[Bin]:
    """The bins that hold answers with a stated confidence, from low to high."""
    stated = columns.stated()
    index = bin_of(stated.confidence, BINS)
    bins = []
    for k in range(BINS):
        inside = index == k
        n = int(inside.sum())
        if n:
            right = float(stated.correct[inside].sum())
            confidence = float(stated.confidence[inside].mean())
            bins.append(Bin(k / BINS, (k + 1) / BINS, n, right, confidence))
    return bins


def risk_coverage(
    columns: PredictionArrays,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Coverage k/n and the mean error among the k most confident answers, for k = 1 … n.

    Answers of equal confidence come in random order: the curve is its expectation. An answer
    without a stated confidence comes after all others.

    Source: El-Yaniv & Wiener 2010, "On the foundations of noise-free selective classification".
    """
    import numpy as np

    n = len(columns)
    confidence = np.nan_to_num(columns.confidence, nan=-1.0)
    levels, level = np.unique(-confidence, return_inverse=True)
    sizes = np.bincount(level, minlength=len(levels))
    errors = np.bincount(level, 1 - columns.correct, minlength=len(levels))
    # Within ties the expected number of errors grows linearly.
    ends = np.concatenate([[0], np.cumsum(sizes)])
    totals = np.concatenate([[0.0], np.cumsum(errors)])
    k = np.arange(1, n + 1)
    return k / max(n, 1), np.interp(k, ends, totals) / k
