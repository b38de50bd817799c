"""What an answer costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Weighted, ratio

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Tokens(Weighted):
    """Tokens generated for an answer and its confidence, all samples together.

    Formula: mean of the tokens generated per question. Range 0 upwards, lower is better.

    Source: the usual definition.
    Can't see: tokens that are read, and how long they take.
    Missing confidences: every judged question whose tokens were counted counts, stated
    confidence or not. Not defined (NaN) without one.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    uses_confidence: ClassVar[bool] = False

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        import numpy as np

        if predictions.tokens is None:
            return np.full(len(weights), np.nan)
        counted = np.isfinite(predictions.tokens)
        weights = weights[:, counted]
        return ratio(weights @ predictions.tokens[counted], weights.sum(axis=1))
