"""How many different confidences are used."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Levels, Weighted, stated

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class DistinctConfidences(Weighted):
    """Number of different confidences stated.

    Formula: size of the set of stated confidences, compared to nine decimals. Range 0 to n;
    neither direction is good in itself, but 1 means that the confidence says nothing about
    the single answer, however small the ECE.

    Source: the usual check against a constant forecaster.
    Can't see: how often each value is used. It has no interval, as more questions would only
    add values.
    Missing confidences: only stated confidences count; 0 without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "neither"
    counts: ClassVar[bool] = True

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        import numpy as np

        predictions, weights = stated(predictions, weights)
        used = Levels(predictions.confidence.round(9)).sums(weights) > 0
        return np.asarray(used.sum(axis=1), dtype=np.float64)
