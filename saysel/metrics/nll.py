"""Negative log-likelihood, the logarithmic score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Mean

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Nll(Mean):
    """Mean negative log-likelihood: the logarithmic score of the stated confidence.

    Formula: mean of -(y ln c + (1 - y) ln(1 - c)) over confidence c and correctness y, in nats; c
    is clipped to [`clip`, 1 - `clip`]. Range from -ln(1 - clip) to -ln clip, 0.001 to 6.91 by
    default; lower is better, and always stating 0.5 scores 0.693. A proper score: within the
    clipping range, honest confidence minimises its expectation.

    Source: Good 1952, "Rational decisions". Stated confidences are often exactly 0 or 1, where
    one mistake would cost infinitely much, hence the clipping. The default follows Rewarding Doubt
    (arXiv 2503.02623); scikit-learn's `log_loss` clips at 2.2e-16, where a mistake at full
    confidence costs 36 instead of 6.9.
    Blind to: whether a loss is due to poor calibration or to poor discrimination. A few mistakes
    at full confidence outweigh everything else.
    Missing confidences: ignored, so report the parse rate with it. Undefined (NaN) without any
    stated confidence.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0, math.inf)

    clip: float = Field(
        0.001, gt=0, lt=0.5, description="confidences are clipped to this distance from 0 and 1"
    )

    def each(self, stated: PredictionArrays) -> npt.NDArray[np.float64]:
        import numpy as np

        # Not log(1 - c) of a clipped c: with a clip of 1e-16 that would be log(0).
        right = np.log(np.clip(stated.confidence, self.clip, 1))
        wrong = np.log(np.clip(1 - stated.confidence, self.clip, 1))
        top = np.log1p(-self.clip)
        right, wrong = np.minimum(right, top), np.minimum(wrong, top)
        return -(stated.correct * right + (1 - stated.correct) * wrong)
