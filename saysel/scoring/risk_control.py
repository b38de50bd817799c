"""A confidence from which answers can be given with a bounded share of wrong ones.

Learn then test (Angelopoulos et al. 2021, arXiv 2110.01052) on judged answers: each candidate
threshold t has the null hypothesis that more than a share `risk` of the answers with confidence at
least t are wrong. Among n such answers with k wrong ones its p-value is P(Binomial(n, risk) <= k):
it is rejected if the Clopper-Pearson upper bound of the error rate is at most `risk`. Thresholds
are tested from high to low until the first one that is not rejected, so that many of them can be
tested at one level. Near the highest confidence there are too few answers to reject anything.
Therefore there are several sequences, which begin where a fixed share of the answers is accepted
(`STARTS`), each at an equal part of the level (the fixed-sequence testing of that paper, with
multiple starts).

Answers of one cluster may all be right or wrong together. If they belong to clusters, the bounds
therefore take each cluster as one answer, with its share of wrong ones. For clusters of different
sizes the number of answers is n² / sum of the squared sizes (Kish 1965, "Survey Sampling", section
8.2, with a correlation of 1), and the guarantee is approximate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Levels, stated

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

#: Shares of the answers that the first threshold of each sequence accepts at least.
STARTS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)
#: Probability that the guarantee fails, if the user names none.
DELTA = 0.05


@dataclass(frozen=True)
class Threshold:
    """The lowest confidence at which answers can be given.

    Attributes:
        confidence: answers with at least this confidence are given.
        answers, wrong: how many of the judged answers these are, and how many of them are wrong.
        questions: number of judged questions.
    """

    confidence: float
    answers: int
    wrong: int
    questions: int

    def accepts(self, confidence: float | None) -> bool:
        """Whether an answer with this confidence is given."""
        return confidence is not None and confidence >= self.confidence - 1e-9


def safe_threshold(
    predictions: PredictionArrays, risk: float, delta: float = DELTA
) -> Threshold | None:
    """The lowest confidence at which at most a share `risk` of the answers is wrong.

    With probability at least 1 - delta over the judged questions, that holds for the answers to
    other questions of the same kind, also of other clusters. An answer is wrong if its correctness
    is below 1/2. Replies without a confidence and replies that decline are never accepted.

    Returns:
        `None` if there is no such confidence: the answers are too often wrong, or they or their
        clusters are too few.
    """
    import numpy as np

    weights = np.ones((1, len(predictions)))
    confidence, answers, errors, safe = thresholds(predictions, weights, risk, delta)
    accepted = np.flatnonzero(safe[0])
    if not len(accepted):
        return None
    lowest = accepted[-1]
    return Threshold(
        confidence=float(confidence[lowest]),
        answers=int(answers[0, lowest]),
        wrong=int(errors[0, lowest]),
        questions=len(predictions),
    )


def thresholds(
    predictions: PredictionArrays, weights: Array, risk: float, delta: float
) -> tuple[Array, Array, Array, npt.NDArray[np.bool_]]:
    """All thresholds from high to low, on R resamples.

    Args:
        weights: how often each prediction is drawn, all of a cluster equally often: [R, n].

    Returns:
        The thresholds: [levels]; how many answers each accepts, how many of them are wrong, and
        whether they are shown to be few enough: [R, levels].
    """
    import numpy as np

    total = weights.sum(axis=1, keepdims=True)
    predictions, weights = stated(predictions, weights)
    levels = Levels(predictions.confidence)

    def accepted(values: Array) -> Array:
        return np.cumsum(levels.sums(values)[:, ::-1], axis=1)

    answers = accepted(weights)
    errors = accepted(weights * (predictions.correct < 0.5))
    independent = answers
    if predictions.cluster is not None:
        squares = accepted(weights * added_squares(predictions.confidence, predictions.cluster))
        independent = answers**2 / np.maximum(squares, 1)
    safe = rejected(answers, errors, independent, total, risk, delta)
    return levels.keys[::-1], answers, errors, safe


def added_squares(confidence: Array, cluster: npt.NDArray[np.intp]) -> Array:
    """What each answer adds to the sum of the squared sizes of the clusters: [n].

    Answers are added from the highest confidence to the lowest. The k-th of its cluster adds
    k² - (k - 1)² = 2 k - 1.
    """
    import numpy as np

    order = np.lexsort((-confidence, cluster))
    ordered = cluster[order]
    k = np.arange(1, len(order) + 1) - np.searchsorted(ordered, ordered)
    added = np.empty(len(order))
    added[order] = 2 * k - 1
    return added


def rejected(
    answers: Array, errors: Array, independent: Array, total: Array, risk: float, delta: float
) -> npt.NDArray[np.bool_]:
    """Which thresholds are shown to have few enough errors: [R, levels].

    Args:
        answers, errors: how many answers each threshold accepts, and how many of them are wrong;
            thresholds from high to low: [R, levels].
        independent: as how many independent answers the accepted ones count: [R, levels].
        total: number of all questions: [R, 1].
    """
    import numpy as np

    scaled = errors * independent / np.maximum(answers, 1)
    passes = p_value(independent, scaled, risk) <= delta / len(STARTS)
    found = np.zeros(answers.shape, dtype=bool)
    for start in STARTS:
        begun = answers >= start * total
        found |= begun & np.logical_and.accumulate(passes | ~begun, axis=1)
    return found


def p_value(answers: Array, errors: Array, risk: float) -> Array:
    """P(Binomial(answers, risk) <= errors), elementwise; 1 without answers.

    The incomplete beta function continues it to numbers that are not whole.
    """
    import numpy as np
    from scipy.special import betainc

    right = answers - errors
    return np.where(right > 0, betainc(np.where(right > 0, right, 1), errors + 1, 1 - risk), 1.0)
