"""Share of right answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Share

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Accuracy(Share):
    """Share of answers that are right.

    Formula: mean of correctness y over all questions. Range [0, 1], higher is better.

    Source: the usual definition; graded correctness (token F1, say) is averaged as it is.
    Can't see: anything about confidence.
    Missing confidences: every judged question counts, stated confidence or not.
    Not defined (NaN) without questions.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"

    def each(self, predictions: PredictionArrays) -> npt.NDArray[np.float64]:
        return predictions.correct
