"""The metrics of one method on bootstrap resamples of its questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from saysel.interfaces import Metric, PredictionArrays
from saysel.scoring.bootstrap import cluster_count, question_resamples
from saysel.scoring.scores import on_resamples, rows_for

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.intp]


class ResampledMethod:
    """One method's metrics on bootstrap resamples of its questions.

    With the same seed and the same order of questions, all methods share their resamples.

    Args:
        units: the clusters of `columns.cluster` as numbers of a larger set of that many clusters,
            some of which have no question here. Methods that share this number and the seed draw
            the same clusters, even if they have different questions.
    """

    def __init__(
        self,
        metrics: Sequence[Metric],
        columns: PredictionArrays,
        count: int,
        seed: int,
        units: tuple[Rows, int] | None = None,
    ) -> None:
        self.metrics, self.columns, self.count, self.seed = metrics, columns, count, seed
        self._units = units
        self._last: dict[bool, tuple[Rows, Array]] = {}

    def clusters(self, rows: Rows) -> int | None:
        """How many clusters some of the questions belong to; `None` if they are independent."""
        cluster = self.columns.cluster
        return cluster_count(None if cluster is None else cluster[rows], len(rows))

    def units(self, rows: Rows) -> list[tuple[int, int]]:
        """What is resampled for each of some questions: its cluster, or the question itself.

        Units of two methods that are drawn together are equal, all others differ.
        """
        numbers = rows
        if self._units is not None:
            numbers = self._units[0][rows]
        elif self.columns.cluster is not None:
            numbers = self.columns.cluster[rows]
        return [(self.seed, number) for number in numbers.tolist()]

    def draws(self, metric: Metric, rows: Rows) -> Array:
        """The metric on resamples of some of the questions: [R]."""
        chosen = [m for m in self.metrics if m.uses_confidence == metric.uses_confidence]
        return self._draws(chosen, rows)[:, chosen.index(metric)]

    def _draws(self, metrics: list[Metric], rows: Rows) -> Array:
        """All metrics that use confidence, or all others: [R, metrics].

        The last result is kept, because the reference is used on the same rows many times.
        """
        import numpy as np

        uses_confidence = metrics[0].uses_confidence
        last = self._last.get(uses_confidence)
        if last is not None and np.array_equal(last[0], rows):
            return last[1]
        chosen = self.columns.take(rows)
        distinct, row_of = rows_for(metrics, chosen)
        cluster, clusters = self.columns.cluster, None
        if self._units is not None:
            cluster, clusters = self._units[0][rows], self._units[1]
        elif cluster is not None:  # numbered without gaps, in the same order
            cluster = np.unique(cluster[rows], return_inverse=True)[1]
        weights = question_resamples(row_of, self.count, self.seed, cluster, clusters)
        values = on_resamples(metrics, chosen, distinct, row_of, weights)
        self._last[uses_confidence] = (rows, values)
        return values
