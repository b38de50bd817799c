"""How many different confidences are stated."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Levels, Weighted, stated

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class DistinctConfidences(Weighted):
    """Number of different confidences stated.

    Formula: size of the set of stated confidences, compared to nine decimals. Range 0 to n,
    descriptive only; but 1 means that confidence says nothing about individual answers, however
    small the ECE is.

    Source: standard check for a constant forecaster.
    Blind to: how often each value is used. It has no interval, because more questions can only
    add values.
    Missing confidences: ignored; 0 without any stated confidence.
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
