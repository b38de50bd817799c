"""Areas under the ROC and the precision-recall curve of confidence as a sign of correctness."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Levels, Weighted, ratio, stated

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Auroc(Weighted):
    """Chance that a right answer is stated with more confidence than a wrong one.

    Formula: over all pairs of a right (correctness at least 0.5) and a wrong answer, the share
    where the right one has the higher confidence, ties counting half (Mann-Whitney U / pairs).
    Range [0, 1], higher is better; 0.5 is chance.

    Source: Hanley & McNeil 1982, "The meaning and use of the area under a ROC curve".
    Can't see: calibration; any increasing transform of the confidences scores the same.
    Missing confidences: only questions with a stated confidence count, so read it beside the
    parse rate. Not defined (NaN) unless there are right and wrong answers among them.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        import numpy as np

        predictions, weights = stated(predictions, weights)
        levels = Levels(predictions.confidence)
        right = predictions.correct >= 0.5
        rights, wrongs = levels.sums(weights * right), levels.sums(weights * ~right)
        # A right answer beats the wrong ones below its level and half of those on it.
        beaten = np.cumsum(wrongs, axis=1)
        beaten -= wrongs / 2
        pairs = rights.sum(axis=1) * wrongs.sum(axis=1)
        return ratio(np.einsum("rl,rl->r", rights, beaten), pairs)


class Auprc(Weighted):
    """Mean precision over the right answers, taken from the most confident down.

    Formula: sum over confidences t of (recall at t - recall above t) * precision at t, where
    answers of confidence t and more count as called right, and right is a correctness of at least
    0.5. No interpolation; answers of equal confidence come in together. Range [0, 1], higher is
    better; chance is the accuracy.

    Source: average precision as in scikit-learn's `average_precision_score`.
    Can't see: calibration, as AUROC; and its chance level moves with the accuracy, so models of
    different accuracy are not to be compared by it.
    Missing confidences: only questions with a stated confidence count, so read it beside the
    parse rate. Not defined (NaN) without right answers among them.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        import numpy as np

        predictions, weights = stated(predictions, weights)
        levels = Levels(predictions.confidence)
        drawn = levels.sums(weights)
        rights = levels.sums(weights * (predictions.correct >= 0.5))
        called = drawn.sum(axis=1, keepdims=True) - np.cumsum(drawn, axis=1) + drawn
        hits = rights.sum(axis=1, keepdims=True) - np.cumsum(rights, axis=1) + rights
        called[called == 0] = 1  # nobody is there, and nobody right
        return ratio(np.einsum("rl,rl->r", rights, hits / called), rights.sum(axis=1))
