"""Whether confidence is too high or too low on average."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Mean

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class MeanOverconfidence(Mean):
    """Mean confidence minus accuracy: overconfident above 0, underconfident below.

    Formula: mean of (c - y) over confidence c and correctness y. Range [-1, 1]; values near 0 are
    best, so neither direction is better.

    Source: "calibration in the large"; Yates 1982, "External correspondence: decompositions of
    the mean probability score", where it is called bias.
    Blind to: errors that cancel. A model that is sure of its wrong answers and unsure of its
    correct ones can score 0.
    Missing confidences: ignored, also in the accuracy, so report the parse rate with it. Undefined
    (NaN) without any stated confidence.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "neither"
    bounds: ClassVar[tuple[float, float]] = (-1, 1)

    def each(self, stated: PredictionArrays) -> npt.NDArray[np.float64]:
        return stated.confidence - stated.correct
