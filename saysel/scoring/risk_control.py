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
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Levels

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
    other questions of the same kind. An answer is wrong if its correctness is below 1/2. Replies
    without a confidence and replies that decline are never accepted.

    Returns:
        `None` if there is no such confidence: the answers are too often wrong, or too few.
    """
    import numpy as np

    stated = predictions.stated()
    levels = Levels(stated.confidence)
    wrong = (stated.correct < 0.5).astype(np.float64)
    answers, errors = (
        np.cumsum(levels.sums(values[None])[:, ::-1], axis=1)
        for values in (np.ones(len(stated)), wrong)
    )
    total = np.array([[len(predictions)]], dtype=np.float64)
    accepted = np.flatnonzero(rejected(answers, errors, total, risk, delta)[0])
    if not len(accepted):
        return None
    lowest = accepted[-1]
    return Threshold(
        confidence=float(levels.keys[::-1][lowest]),
        answers=int(answers[0, lowest]),
        wrong=int(errors[0, lowest]),
        questions=len(predictions),
    )


def rejected(
    answers: Array, errors: Array, total: Array, risk: float, delta: float
) -> npt.NDArray[np.bool_]:
    """Which thresholds are shown to have few enough errors: [R, levels].

    Args:
        answers, errors: how many answers each threshold accepts, and how many of them are wrong;
            thresholds from high to low: [R, levels].
        total: number of all questions: [R, 1].
    """
    import numpy as np

    passes = p_value(answers, errors, risk) <= delta / len(STARTS)
    found = np.zeros(answers.shape, dtype=bool)
    for start in STARTS:
        begun = answers >= start * total
        found |= begun & np.logical_and.accumulate(passes | ~begun, axis=1)
    return found


def p_value(answers: Array, errors: Array, risk: float) -> Array:
    """P(Binomial(answers, risk) <= errors), elementwise; 1 without answers."""
    import numpy as np
    from scipy.special import bdtr

    return np.where(answers > 0, bdtr(errors, answers.astype(np.int64), risk), 1.0)
