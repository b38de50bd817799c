"""Tokens per answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Weighted, ratio

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Tokens(Weighted):
    """Tokens generated per question, for the answer and its confidence.

    Formula: mean number of tokens generated per question, over all samples that an estimator draws
    for it. Range from 0 up, lower is better.

    Source: standard.
    Blind to: prompt tokens, and the time that generation takes.
    Missing confidences: irrelevant, every judged question with a token count enters. Undefined
    (NaN) without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0, math.inf)
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
