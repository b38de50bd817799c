"""Areas under the ROC and precision-recall curves: confidence as a predictor of correctness."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Levels, Weighted, ratio, stated

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Auroc(Weighted):
    """Probability that a correct answer has a higher confidence than a wrong one.

    Formula: over all pairs of a correct (correctness at least 0.5) and a wrong answer, the share
    in which the correct one has the higher confidence; ties count half (Mann-Whitney U / pairs).
    Range [0, 1], higher is better; 0.5 is chance.

    Source: Hanley & McNeil 1982, "The meaning and use of the area under a ROC curve".
    Blind to: calibration. Any increasing transform of the confidences scores the same.
    Missing confidences: ignored, so report the parse rate with it. Undefined (NaN) unless there
    are both correct and wrong answers with a stated confidence.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
    bounds: ClassVar[tuple[float, float]] = (0, 1)

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        import numpy as np

        predictions, weights = stated(predictions, weights)
        levels = Levels(predictions.confidence)
        correct = predictions.correct >= 0.5
        hits, misses = levels.sums(weights * correct), levels.sums(weights * ~correct)
        # A correct answer beats the wrong ones below its level and half of those on it.
        beaten = np.cumsum(misses, axis=1)
        beaten -= misses / 2
        pairs = hits.sum(axis=1) * misses.sum(axis=1)
        return ratio(np.einsum("rl,rl->r", hits, beaten), pairs)


class Auprc(Weighted):
    """Average precision: area under the precision-recall curve of the correct answers.

    Formula: sum over thresholds t of (recall at t - recall above t) * precision at t. Answers of
    confidence t and above are predicted to be correct; correct is a correctness of at least 0.5.
    No interpolation; answers of equal confidence enter together. Range [0, 1], higher is better;
    the chance level is the accuracy.

    Source: average precision as in scikit-learn's `average_precision_score`.
    Blind to: calibration, like AUROC. Its chance level depends on the accuracy, so do not compare
    models of different accuracy by it.
    Missing confidences: ignored, so report the parse rate with it. Undefined (NaN) without correct
    answers that have a stated confidence.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
    bounds: ClassVar[tuple[float, float]] = (0, 1)

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        import numpy as np

        predictions, weights = stated(predictions, weights)
        levels = Levels(predictions.confidence)
        drawn = levels.sums(weights)
        correct = levels.sums(weights * (predictions.correct >= 0.5))
        # At each threshold: answers of that confidence and above, and the correct ones of them.
        predicted = drawn.sum(axis=1, keepdims=True) - np.cumsum(drawn, axis=1) + drawn
        hits = correct.sum(axis=1, keepdims=True) - np.cumsum(correct, axis=1) + correct
        predicted[predicted == 0] = 1  # without answers there are no hits either
        return ratio(np.einsum("rl,rl->r", correct, hits / predicted), correct.sum(axis=1))
