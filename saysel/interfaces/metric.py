"""Predictions in, a number out."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


from saysel.interfaces.component import Component
from saysel.interfaces.prediction_arrays import PredictionArrays


class Metric(Component):
    """Computes a number from predictions; the framework computes its interval.

    ```python
    import math

    import saysel
    from saysel.interfaces import Metric


    class MeanConfidence(Metric):
        '''Mean of the stated confidences.'''

        better = "neither"

        def compute(self, predictions):
            stated = predictions.stated().confidence
            return float(stated.mean()) if len(stated) else math.nan


    @saysel.hookimpl
    def saysel_metrics():
        return {"mean_confidence": "sayselfile:MeanConfidence"}
    ```
    """

    kind = "metric"

    #: Which direction is better; `neither` for descriptive numbers.
    better: ClassVar[Literal["higher", "lower", "neither"]]

    #: Whether the value is a count, shown without decimals.
    counts: ClassVar[bool] = False

    #: The smallest and the largest possible value. Intervals over few seeds are wide and end there.
    bounds: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    #: For a metric that is never below 0: the forecaster whose true value is 0, either one that is
    #: perfectly calibrated, or one whose confidence is independent of correctness. Sampling noise
    #: then only increases the value, and the interval accounts for that.
    zero_if: ClassVar[Literal["calibrated", "uninformative"] | None] = None

    #: Whether the value depends on confidences. If so, `saysel compare` uses the questions for
    #: which both methods state one.
    uses_confidence: ClassVar[bool] = True

    @abstractmethod
    def compute(self, predictions: PredictionArrays) -> float:
        """The value; NaN where it is undefined. The docstring says how NaN input is treated."""

    def resampled(
        self, predictions: PredictionArrays, weights: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """The values on R bootstrap resamples, as an array of length R.

        Override it where thousands of calls of `compute` take too long.

        Args:
            predictions: n rows.
            weights: [R, n], integers: how often each row was drawn.
        """
        import numpy as np

        rows = np.arange(len(predictions))
        return np.array(
            [self.compute(predictions.take(np.repeat(rows, w))) for w in weights.astype(np.intp)]
        )
