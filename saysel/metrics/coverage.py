"""Models that may decline: how often they answer, and how well if they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Share

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


class Coverage(Share):
    """Share of replies that do not decline to answer.

    Formula: 1 - declined replies / replies. Range [0, 1], descriptive only: more answers are
    better only if they are right.

    Source: standard; "attempted" in SimpleQA (arXiv 2411.04368).
    Blind to: correctness and confidence. A reply without a readable answer counts as an attempt.
    Missing confidences: irrelevant. Undefined (NaN) without questions.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "neither"

    def each(self, predictions: PredictionArrays) -> Array:
        import numpy as np

        return predictions.answered.astype(np.float64)


class AccuracyWhenAnswered(Share):
    """Share of correct answers among the replies that do not decline.

    Formula: mean of correctness y over the replies that do not decline. Range [0, 1], higher is
    better; without declined replies it is the accuracy.

    Source: "correct given attempted" in SimpleQA (arXiv 2411.04368).
    Blind to: how many replies decline. Answering only the easiest question can score 1, so report
    the coverage with it.
    Missing confidences: irrelevant. A reply without a readable answer counts as a wrong answer.
    Undefined (NaN) if all replies decline.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
    answered_only: ClassVar[bool] = True

    def each(self, predictions: PredictionArrays) -> Array:
        return predictions.correct


class Truthfulness(Share):
    """Share of correct replies minus share of wrong answers; declining costs nothing.

    Formula: mean of 1 for a correct reply, 0 for a declined one, and -1 for a wrong one; 2 y - 1
    for graded correctness y. Range [-1, 1], higher is better; declining everything scores 0. A
    reply that rightly declines (an unanswerable question) is correct.

    Source: TruthRL (arXiv 2509.25760), whose reward it is, and CRAG (arXiv 2406.04744).
    Blind to: confidence. It sets the price of a wrong answer: answering pays from a probability of
    1/2 on; `threshold_utility` has other prices.
    Missing confidences: irrelevant. A reply without a readable answer counts as a wrong answer.
    Undefined (NaN) without questions.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
    bounds: ClassVar[tuple[float, float]] = (-1, 1)

    def each(self, predictions: PredictionArrays) -> Array:
        import numpy as np

        values = 2 * predictions.correct - 1
        return np.where(predictions.answered, values, np.maximum(values, 0))
