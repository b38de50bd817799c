"""The mean absolute distance that SaySelf's evaluation code calls ECE."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Mean

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class SaySelfMae(Mean):
    """Mean absolute distance between confidence and correctness (SaySelf's "ECE").

    Formula: mean |c - y| over confidence c and correctness y. Range [0, 1], lower is better.

    Source: SaySelf (arXiv 2405.20974), evaluation code; here only to compare with its tables.
    Can't see: honesty. It is neither the binned ECE nor a proper score: where 60 % of the
    answers are right, always saying 1.0 scores 0.40 and an honest 0.6 scores 0.48.
    Missing confidences: only questions with a stated confidence count, so read it beside the
    parse rate. Not defined (NaN) without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"

    def each(self, stated: PredictionArrays) -> npt.NDArray[np.float64]:
        return abs(stated.confidence - stated.correct)
