"""Share of correct answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Share

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Accuracy(Share):
    """Share of correct answers.

    Formula: mean of correctness y over all questions. Range [0, 1], higher is better.

    Source: standard. Graded correctness, such as token F1, is averaged as it is.
    Blind to: confidence.
    Missing confidences: irrelevant, every judged question counts. Undefined (NaN) without
    questions.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"

    def each(self, predictions: PredictionArrays) -> npt.NDArray[np.float64]:
        return predictions.correct
