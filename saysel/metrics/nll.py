"""Negative log-likelihood, the logarithmic score."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Mean

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class Nll(Mean):
    """Mean negative logarithm of the probability that was given to what came true.

    Formula: mean -(y ln c + (1 - y) ln(1 - c)) over confidence c and correctness y, in nats, c
    kept between `clip` and 1 - `clip`. Range 0 to -ln clip, lower is better; always saying 0.5
    scores 0.693. A proper score: within those ends, honest confidence minimises its expectation.

    Source: Good 1952, "Rational decisions". Stated confidences are often exactly 0 or 1, where
    one mistake would cost infinitely much. The default follows Rewarding Doubt (arXiv 2503.02623);
    scikit-learn's `log_loss` clips at 2.2e-16, where a sure mistake costs 36 instead of 6.9.
    Can't see: whether a loss comes from bad calibration or from answers that are hard to tell
    apart. A few sure mistakes outweigh everything else.
    Missing confidences: only questions with a stated confidence count, so read it beside the
    parse rate. Not defined (NaN) without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"

    clip: float = Field(0.001, gt=0, lt=0.5, description="least probability that is counted")

    def each(self, stated: PredictionArrays) -> npt.NDArray[np.float64]:
        import numpy as np

        # Not through 1 - c where c is small: with a clip of 1e-16 that would be log(0).
        right = np.log(np.clip(stated.confidence, self.clip, 1))
        wrong = np.log(np.clip(1 - stated.confidence, self.clip, 1))
        top = np.log1p(-self.clip)
        right, wrong = np.minimum(right, top), np.minimum(wrong, top)
        return -(stated.correct * right + (1 - stated.correct) * wrong)
