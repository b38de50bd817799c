"""The mean absolute error that SaySelf's evaluation code calls ECE."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Mean

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class SaySelfMae(Mean):
    """Mean absolute difference between confidence and correctness (SaySelf's "ECE").

    Formula: mean of |c - y| over confidence c and correctness y. Range [0, 1], lower is better.

    Source: evaluation code of SaySelf (arXiv 2405.20974); only for comparison with its tables.
    Blind to: honesty. It is neither the binned ECE nor a proper score: if 60 % of the answers are
    correct, always stating 1.0 scores 0.40 and an honest 0.6 scores 0.48.
    Missing confidences: ignored, so report the parse rate with it. Undefined (NaN) without any
    stated confidence.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0, 1)

    def each(self, stated: PredictionArrays) -> npt.NDArray[np.float64]:
        return abs(stated.confidence - stated.correct)
