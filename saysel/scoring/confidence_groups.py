"""Predictions grouped by stated confidence, and their gaps between confidence and correctness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from saysel.interfaces import PredictionArrays
from saysel.scoring.bootstrap import TOLERANCE, levels
from saysel.scoring.variation import Variation, estimate_variation

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.intp]

#: Up to this many stated confidences have a gap each; more are put into `BINS` bins.
MAX_DISTINCT, BINS = 25, 10
#: More stated confidences than this are merged.
MAX_GROUPS = 1_000


@dataclass(frozen=True)
class Cells:
    """The answers by cluster and group, as arrays of equal length.

    Attributes:
        cluster, group: numbered from 0.
        n: number of answers.
    """

    cluster: Codes
    group: Codes
    n: npt.NDArray[np.int64]


@dataclass(frozen=True)
class ConfidenceGroups:
    """Answers by stated confidence, ascending: arrays of length L.

    Attributes:
        confidence, correct: means over the answers of each group.
        n: number of answers.
        variation: of correctness around its probability.
        cells: `None` if the answers are independent.
    """

    confidence: Array
    correct: Array
    n: npt.NDArray[np.int64]
    variation: Variation
    cells: Cells | None

    def draw(self, probability: Array, draws: int, rng: np.random.Generator) -> Array:
        """How many answers of each group have the outcome 1, see `Variation`: [draws, L].

        Args:
            probability: of the outcome 1: [L].
        """
        import numpy as np

        if self.cells is None or not self.variation.shared:
            return rng.binomial(self.n, probability, size=(draws, len(self.n))).astype(np.float64)
        cluster, group, n = self.cells.cluster, self.cells.group, self.cells.n
        lucky = np.empty((draws, len(self.n)), dtype=np.int64)
        for row in lucky:
            below = rng.random(cluster.max() + 1)[cluster] < probability[group]
            row[:] = np.bincount(group, below * n, len(self.n))
        of_lucky = rng.binomial(lucky, self.variation.chance(probability, 1.0))
        others = rng.binomial(self.n - lucky, self.variation.chance(probability, 0.0))
        return (of_lucky + others).astype(np.float64)


def by_confidence(columns: PredictionArrays) -> ConfidenceGroups:
    """Group predictions of equal confidence; all of them have one."""
    import numpy as np

    level = levels(columns.confidence, MAX_GROUPS)
    level = np.unique(level, return_inverse=True)[1]
    n = np.bincount(level)
    confidence = np.bincount(level, columns.confidence) / n
    correct = np.bincount(level, columns.correct) / n
    cells = None
    if columns.cluster is not None:
        pairs, members = np.unique(columns.cluster * len(n) + level, return_counts=True)
        cells = Cells(*np.divmod(pairs, len(n)), members)
    return ConfidenceGroups(confidence, correct, n, estimate_variation(columns), cells)


def bins(n: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """The bin of each group, by ascending confidence; no bin is empty.

    Args:
        n: number of answers of each group.
    """
    import numpy as np

    if len(n) <= MAX_DISTINCT:
        return np.arange(len(n))
    middle = (np.cumsum(n) - n / 2) * BINS // n.sum()
    # A confidence that many answers state fills more than one bin.
    numbers: npt.NDArray[np.intp] = np.unique(middle, return_inverse=True)[1]
    return numbers


def gaps(groups: ConfidenceGroups, base: Array) -> Array:
    """How far the share of correct answers is above the base, bin by bin: [L]."""
    import numpy as np

    bin = bins(groups.n)
    total = np.bincount(bin, groups.n)
    gap = np.bincount(bin, groups.n * (groups.correct - base)) / np.where(total == 0, 1, total)
    per_group: Array = gap[bin]
    return per_group


def design_effects(groups: ConfidenceGroups) -> Array:
    """The factor by which clusters increase the variance of the sum over each bin: [bins].

    Source: Kish 1965, "Survey Sampling", section 5.4.
    """
    import numpy as np

    bin = bins(groups.n)
    total = np.bincount(bin, groups.n)
    if groups.cells is None:
        return np.ones(len(total))
    cluster, group, n = groups.cells.cluster, groups.cells.group, groups.cells.n
    pairs, pair = np.unique(bin[group] * (cluster.max() + 1) + cluster, return_inverse=True)
    members = np.bincount(pair, n)
    squares = np.bincount(pairs // (cluster.max() + 1), members**2, len(total))
    return 1 + groups.variation.shared**2 * (squares / np.maximum(total, 1) - 1)


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
    size = np.bincount(bin, groups.n)
    spread = np.clip(base + gap, 0.01, 0.99)
    noise = np.bincount(bin, groups.n * spread * (1 - spread)) / size**2
    noise = np.maximum(noise * groups.variation.scale**2 * design_effects(groups), TOLERANCE)
    observed = np.bincount(bin, groups.n * gap) / np.bincount(bin, groups.n)
    q = float(((observed - mean) ** 2 / noise).sum())
    mixed = max(0.0, 1 - (len(size) - 1) / q) if q > 0 else 0.0
    same = np.full(len(groups.n), np.copysign(np.average(abs(gap), weights=groups.n), mean))
    return [(mixed, gap), (1 - mixed, same)]
