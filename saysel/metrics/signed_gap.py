"""Whether confidence is too high or too low on the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Mean

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class SignedGap(Mean):
    """Mean confidence less accuracy: above 0 is overconfident, below 0 underconfident.

    Formula: mean (c - y) over confidence c and correctness y. Range [-1, 1]; nearest to 0 is
    best, so neither direction is good in itself.

    Source: "calibration in the large"; Yates 1982, "External correspondence: decompositions of
    the mean probability score", there called bias.
    Can't see: errors that cancel. Sure of every wrong answer and unsure of every right one can
    have a gap of 0.
    Missing confidences: only questions with a stated confidence count, for the accuracy too, so
    read it beside the parse rate. Not defined (NaN) without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "neither"

    def each(self, stated: PredictionArrays) -> npt.NDArray[np.float64]:
        return stated.confidence - stated.correct
