"""Share of replies with a parseable confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Share

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class ParseRate(Share):
    """Share of replies with a parseable confidence.

    Formula: stated confidences / replies that do not decline. Range [0, 1], higher is better.

    Source: standard.
    Blind to: whether the confidence is meaningful.
    Missing confidences: counted as failures. Declined replies: left out, because they need not
    state one. Undefined (NaN) without other replies.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "higher"
    answered_only: ClassVar[bool] = True

    def each(self, predictions: PredictionArrays) -> npt.NDArray[np.float64]:
        import numpy as np

        return (~np.isnan(predictions.confidence)).astype(np.float64)
