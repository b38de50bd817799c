"""Predictions grouped by stated confidence, and their gaps between confidence and correctness."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from saysel.interfaces import PredictionArrays
from saysel.scoring.bootstrap import TOLERANCE, levels

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

#: Up to this many stated confidences have a gap each; more are put into `BINS` bins.
MAX_DISTINCT, BINS = 25, 10
#: More stated confidences than this are merged.
MAX_GROUPS = 1_000


@dataclass(frozen=True)
class ConfidenceGroups:
    """Answers by stated confidence, ascending: arrays of length L.

    Attributes:
        confidence, correct: means over the answers of each group.
        n: number of answers.
        independent: number of independent answers that would be as noisy, at most n.
    """

    confidence: Array
    correct: Array
    n: npt.NDArray[np.int64]
    independent: npt.NDArray[np.int64]


def by_confidence(columns: PredictionArrays) -> ConfidenceGroups:
    """Group predictions of equal confidence; all of them have one."""
    import numpy as np

    level = levels(columns.confidence, MAX_GROUPS)
    level = np.unique(level, return_inverse=True)[1]
    n = np.bincount(level)
    confidence = np.bincount(level, columns.confidence) / n
    correct = np.bincount(level, columns.correct) / n
    groups = ConfidenceGroups(confidence, correct, n, n)
    if columns.cluster is None:
        return groups
    expected = np.clip(confidence + gaps(groups, confidence), 0, 1)
    effect = design_effect(columns.correct - expected[level], bins(n)[level], columns.cluster)
    return replace(groups, independent=np.maximum(1, np.rint(n / effect)).astype(np.int64))


def design_effect(
    residuals: Array, bin: npt.NDArray[np.intp], cluster: npt.NDArray[np.intp]
) -> float:
    """The factor by which correlation within clusters increases the variance of sums; at least 1.

    The larger of two: for the sums within bins, and for the sum over all answers.
    """
    import numpy as np

    variance = float(residuals @ residuals)
    if variance < TOLERANCE:
        return 1.0
    within = np.unique(bin * (cluster.max() + 1) + cluster, return_inverse=True)[1]
    sums = [np.bincount(within, residuals), np.bincount(cluster, residuals)]
    return max(1.0, *(float(part @ part) / variance for part in sums))


def bins(n: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """The bin of each group, by ascending confidence.

    Args:
        n: number of answers of each group.
    """
    import numpy as np

    if len(n) <= MAX_DISTINCT:
        return np.arange(len(n))
    middle = (np.cumsum(n) - n / 2) * BINS // n.sum()
    return np.asarray(middle, dtype=np.intp)


def gaps(groups: ConfidenceGroups, base: Array) -> Array:
    """How far the share of correct answers is above the base, bin by bin: [L]."""
    import numpy as np

    bin = bins(groups.n)
    total = np.bincount(bin, groups.n)
    gap = np.bincount(bin, groups.n * (groups.correct - base)) / np.where(total == 0, 1, total)
    per_group: Array = gap[bin]
    return per_group


def directions(
    groups: ConfidenceGroups, base: Array, kind: str | None
) -> list[tuple[float, Array]]:
    """The directions along which forecasters are tried: weights that sum to 1, and [L] each.

    Noise adds most if gaps differ in sign, and least if confidence is too high, or too low,
    throughout. So both are tried: the observed gaps, which also differ by noise, and one gap for
    all, with the sign of the mean gap and the mean size of the observed ones. Intervals contain
    what either allows. Debiased values are weighted by the part of the gaps' spread that is not
    noise, I squared (Higgins & Thompson 2002, "Quantifying heterogeneity in a meta-analysis").
    """
    import numpy as np

    gap = gaps(groups, base)
    if kind != "calibrated":
        return [(1.0, gap)]
    bin = bins(groups.n)
    mean = np.average(gap, weights=groups.n)
    size = np.bincount(bin, groups.independent)
    spread = np.clip(base + gap, 0.01, 0.99)
    noise = np.bincount(bin, groups.independent * spread * (1 - spread)) / size**2
    observed = np.bincount(bin, groups.n * gap) / np.bincount(bin, groups.n)
    q = float(((observed - mean) ** 2 / noise).sum())
    mixed = max(0.0, 1 - (len(size) - 1) / q) if q > 0 else 0.0
    same = np.full(len(groups.n), np.copysign(np.average(abs(gap), weights=groups.n), mean))
    return [(mixed, gap), (1 - mixed, same)]
