"""The numbers of the figures: bins with their intervals, and risk by coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from saysel.interfaces import PredictionArrays
from saysel.metrics.binning import bin_of
from saysel.scoring.shares import share_interval

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Bins of the reliability diagram and the histogram, ECE's default.
BINS = 10


@dataclass(frozen=True)
class Bin:
    """The answers in one bin of confidence.

    Attributes:
        start, end: the bin's edges.
        n: number of answers.
        right: number of correct ones; graded answers count with their grade.
        confidence: mean confidence.
        low, high: 95 % interval of the accuracy.
    """

    start: float
    end: float
    n: int
    right: float
    confidence: float
    low: float
    high: float

    @property
    def accuracy(self) -> float:
        return self.right / self.n


def reliability(columns: PredictionArrays) -> list[Bin]:
    """The non-empty bins of answers with a stated confidence, from low to high."""
    stated = columns.stated()
    index = bin_of(stated.confidence, BINS)
    bins = []
    for k in range(BINS):
        inside = index == k
        correct = stated.correct[inside]
        cluster = None if stated.cluster is None else stated.cluster[inside]
        if interval := share_interval(correct, cluster):
            right, confidence = float(correct.sum()), float(stated.confidence[inside].mean())
            bins.append(Bin(k / BINS, (k + 1) / BINS, len(correct), right, confidence, *interval))
    return bins


def risk_coverage(
    columns: PredictionArrays,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Coverage k/n and the mean error among the k most confident answers, for k = 1 … n.

    Answers of equal confidence are in random order, and the curve is the expectation over it.
    Answers without a stated confidence come last.

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
