"""How much correctness varies by chance around its probability.

Correctness is drawn as p + `scale` (b - p). The outcome b is 1 with probability p, that is, if a
random number is below p. In each cluster a part of the answers, `shared` on average, use one random
number for all, and the others one each. So the correlation of answers with equal p is `shared`
squared, whatever groups or bins the answers are put into.

Source: Lunn & Davies 1998, "A note on generating correlated binary variables".
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from saysel.interfaces import PredictionArrays
from saysel.scoring.bootstrap import TOLERANCE, levels

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.intp]
    Flags = npt.NDArray[np.bool_]

#: The mean gap between confidence and correctness is removed in at most `BINS` bins, each of at
#: least this many answers or clusters. What remains is the variation.
BINS, FEWEST_IN_BIN = 10, 10


@dataclass(frozen=True)
class Variation:
    """How much correctness varies around its probability p.

    Attributes:
        scale: its standard deviation, as a multiple of that of a binary outcome: 1, and less for
            grades.
        shared: the part of the answers of a cluster that share one random number.
    """

    scale: float = 1.0
    shared: float = 0.0

    def chance(self, probability: Array, lucky: Flags | float) -> Array:
        """The probability of the outcome 1 when the cluster's random number is known.

        Args:
            lucky: whether that number is below the probability.
        """
        return probability * (1 - self.shared) + self.shared * lucky

    def correctness(self, probability: Array, outcome: Flags | float) -> Array:
        """Correctness for an outcome."""
        return probability * (1 - self.scale) + self.scale * outcome

    def draw(
        self, probability: Array, cluster: Codes | None, draws: int, rng: np.random.Generator
    ) -> Array:
        """Correctness of n answers: [draws, n].

        Args:
            probability: [n].
            cluster: the cluster of each answer, numbered from 0: [n].
        """
        chance = probability
        if cluster is not None and self.shared:
            numbers = rng.random((draws, cluster.max(initial=-1) + 1))
            chance = self.chance(probability, numbers[:, cluster] < probability)
        outcome = rng.random((draws, len(probability))) < chance
        return self.correctness(probability, outcome)


def estimate_variation(columns: PredictionArrays) -> Variation:
    """The variation of correctness around its mean at similar confidence.

    If all answers are equal, nothing is known about the correlation within clusters, and all
    answers of a cluster share their random number.

    Args:
        columns: predictions with a confidence.
    """
    import numpy as np

    correct, cluster = columns.correct, columns.cluster
    binary = bool(np.isin(correct, (0, 1)).all())
    if not len(correct) or (binary and cluster is None):
        return Variation()
    units = len(correct) if cluster is None else len(np.unique(cluster))
    level = levels(columns.confidence, max(1, min(BINS, units // FEWEST_IN_BIN)))
    bin = np.unique(level, return_inverse=True)[1]
    gap = np.bincount(bin, correct - columns.confidence) / np.bincount(bin)
    expected = np.clip(columns.confidence + gap[bin], 0, 1)
    residuals = correct - expected
    outcomes = float(expected @ (1 - expected))  # the variance of binary outcomes
    ratio = float(residuals @ residuals) / outcomes if outcomes > TOLERANCE else 0.0
    scale, shared = 1.0, 0.0
    if not binary:
        scale = min(1.0, sqrt(ratio * units / max(1, units - len(gap))))
    if cluster is not None:
        within = np.unique(bin * (cluster.max() + 1) + cluster, return_inverse=True)[1]
        # The larger one: for the sums within bins, and for the sum over all answers.
        correlation = max(_correlation(residuals, expected, by, ratio) for by in (within, cluster))
        shared = 1.0 if len(np.unique(correct)) == 1 else sqrt(min(1.0, max(0.0, correlation)))
    return Variation(scale, shared)


def _correlation(residuals: Array, expected: Array, cluster: Codes, ratio: float) -> float:
    """The correlation within clusters: 1 if their answers share one random number.

    Two answers that do have the covariance min(p, q) - p q if their probabilities are p and q.

    Args:
        ratio: the variance of correctness, divided by that of binary outcomes.
    """
    import numpy as np

    size = np.bincount(cluster)
    order = np.lexsort((expected, cluster))
    ascending, member = expected[order], cluster[order]
    rank = np.arange(len(order)) - (np.cumsum(size) - size)[member]
    smaller = float(ascending @ (size[member] - 1 - rank))
    covariance = ratio * (smaller - _pair_products(expected, cluster))
    return _pair_products(residuals, cluster) / covariance if covariance > TOLERANCE else 0.0


def _pair_products(values: Array, cluster: Codes) -> float:
    """The sum of the products of all pairs of values in the same cluster."""
    import numpy as np

    sums = np.bincount(cluster, values)
    return float(sums @ sums - values @ values) / 2
