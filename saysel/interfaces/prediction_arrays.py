"""Judged predictions as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saysel.contracts import arrays

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from saysel.contracts.arrays import Column, Labels


@dataclass(frozen=True, init=False)
class PredictionArrays:
    """Judged predictions as arrays of length n.

        PredictionArrays([1, 0, 1], [0.9, 0.4, None])
        PredictionArrays(frame.correct, frame.confidence, cluster=frame.topic)

    Lists, numpy arrays and columns of pandas or polars are accepted; `None`, NaN and `NA` stand
    for a missing value.

    Attributes:
        correct: in [0, 1].
        confidence: in [0, 1], NaN where it is missing.
        tokens: generated for each answer, NaN where unknown; `None` if unknown for all.
        cluster: the cluster of each answer, numbered from 0 (any labels are accepted); `None` if
            the answers are independent. Only intervals depend on it, and `coverage_at_risk` with a
            `delta`.
        declined: whether each reply declines to answer; `None` if none does. A reply that declines
            has no confidence, whatever is given.

    Raises:
        DataError: the columns differ in length, or a value is missing (except as above), not a
            number, or out of range.
    """

    correct: npt.NDArray[np.float64]
    confidence: npt.NDArray[np.float64]
    tokens: npt.NDArray[np.float64] | None = None
    cluster: npt.NDArray[np.intp] | None = None
    declined: npt.NDArray[np.bool_] | None = None

    def __init__(
        self,
        correct: Column,
        confidence: Column,
        tokens: Column | None = None,
        cluster: Labels | None = None,
        declined: Column | None = None,
    ) -> None:
        import numpy as np

        stated = arrays.float_column("confidence", confidence)
        columns: dict[str, npt.NDArray[Any] | None] = {
            "correct": arrays.float_column("correct", correct, may_be_missing=False),
            "confidence": stated,
            "tokens": None if tokens is None else arrays.float_column("tokens", tokens, math.inf),
            "cluster": None if cluster is None else arrays.cluster_column("cluster", cluster),
            "declined": None if declined is None else arrays.flag_column("declined", declined),
        }
        arrays.same_length(**columns)
        if columns["declined"] is not None:
            columns["confidence"] = np.where(columns["declined"], math.nan, stated)
        for name, column in columns.items():
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return len(self.correct)

    def take(self, rows: npt.NDArray[np.intp]) -> PredictionArrays:
        """The rows with the given indices, which may repeat."""
        tokens = None if self.tokens is None else self.tokens[rows]
        cluster = None if self.cluster is None else self.cluster[rows]
        declined = None if self.declined is None else self.declined[rows]
        return PredictionArrays(
            self.correct[rows], self.confidence[rows], tokens, cluster, declined
        )

    def stated(self) -> PredictionArrays:
        """The rows that have a confidence."""
        import numpy as np

        return self.take(np.flatnonzero(~np.isnan(self.confidence)))

    @property
    def answered(self) -> npt.NDArray[np.bool_]:
        """Whether each reply does not decline to answer."""
        import numpy as np

        return np.ones(len(self), dtype=bool) if self.declined is None else ~self.declined
