"""The differences between two methods on the same questions, metric by metric.

A metric of confidence is compared on the questions for which both methods state one. Otherwise a
method would gain by withholding its confidence where it is wrong. What the difference would be if
every missing confidence were the worst one, 1 for a wrong answer and 0 for a right one, is given
beside it, and overrules the verdict where it points the other way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from saysel.interfaces import Metric, PredictionArrays
from saysel.scoring.bootstrap import SAME, cells, percentile, resamples
from saysel.scoring.scores import label, resampled

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.intp]

#: The level of the tests.
LEVEL = 0.05
#: How often correctness is drawn from the confidences to see what chance makes of a metric.
CALIBRATED = 100


@dataclass(frozen=True)
class Difference:
    """One metric of a method beside the reference's.

    Attributes:
        method: the method's name.
        metric: the score's name.
        better: `higher`, `lower` or `neither`.
        before, after: the reference's value and the method's on those; `None` where not defined.
        difference: after - before.
        low, high: ends of its 95 % percentile-bootstrap interval. Where sampling noise only adds
            to a metric, such as ECE, the interval is wider by as much as that may be, on either
            side, and `p` makes the same allowance.
        favour: share of resamples in which the method is better, ties counting half; `None` for
            metrics without a direction.
        p: two-sided, twice the share of resamples on the other side of 0; `None` likewise.
        p_holm: the same after Holm's correction over all differences with a p.
        worst: the difference on all questions if every missing confidence were the worst one;
            `None` where none is missing, and for metrics that use no confidence.
        questions: how many were compared: all, or for a metric of confidence those for which
            both state one.
    """

    method: str
    metric: str
    better: str
    before: float | None
    after: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    favour: float | None = None
    p: float | None = None
    p_holm: float | None = None
    worst: float | None = None
    questions: int = 0

    @property
    def verdict(self) -> str:
        """`better` or `worse` where that is certain at 5 % after the correction, else `unclear`.

        Unclear too: a difference that is 0 to three decimals, and one that would point the other
        way if every missing confidence were the worst one.
        """
        if self.p_holm is None or self.difference is None or self.p_holm >= LEVEL:
            return "unclear"
        if round(self.difference, 3) == 0 or self.difference * (self.worst or 0) < 0:
            return "unclear"
        return "better" if (self.difference > 0) == (self.better == "higher") else "worse"


class Draws:
    """One method's metrics on bootstrap resamples of some of the questions.

    One seed and one order of the questions: the same are drawn for every method.
    """

    def __init__(
        self, metrics: Sequence[Metric], columns: PredictionArrays, count: int, seed: int
    ) -> None:
        self.metrics, self.columns, self.count, self.seed = metrics, columns, count, seed
        self._last: dict[bool, tuple[Rows, Array]] = {}

    def on(self, rows: Rows, uses_confidence: bool) -> Array:
        """The metrics that use confidence, or the others, on resamples of these rows: [R, m].

        The last result is kept: the reference is compared on the same rows again and again.
        """
        import numpy as np

        last = self._last.get(uses_confidence)
        if last is not None and np.array_equal(last[0], rows):
            return last[1]
        chosen = [m for m in self.metrics if m.uses_confidence == uses_confidence]
        some = self.columns.take(rows)
        distinct, cell = cells(some)
        weights = resamples(cell, self.count, self.seed, renumbered(self.columns.cluster, rows))
        found = resampled(chosen, some, distinct, cell, weights)
        self._last[uses_confidence] = (rows, found)
        return found


def renumbered(cluster: Rows | None, rows: Rows) -> Rows | None:
    """The clusters of some rows, numbered from 0 without gaps and in the same order."""
    import numpy as np

    return None if cluster is None else np.unique(cluster[rows], return_inverse=True)[1]


def differences(name: str, reference: Draws, other: Draws) -> Iterator[Difference]:
    """A method's differences from the reference, metric by metric."""
    import numpy as np

    one, two = reference.columns, other.columns
    every = np.arange(len(one))
    missing = np.isnan(one.confidence) | np.isnan(two.confidence)
    both = np.flatnonzero(~missing)
    place = {True: 0, False: 0}
    for metric in reference.metrics:
        kind = metric.uses_confidence
        rows = both if kind else every
        draws = other.on(rows, kind)[:, place[kind]] - reference.on(rows, kind)[:, place[kind]]
        place[kind] += 1
        made = _difference(name, metric, (one.take(rows), two.take(rows)), draws, reference.seed)
        if kind and missing.any():
            worst = metric.compute(at_worst(two)) - metric.compute(at_worst(one))
            made = replace(made, worst=float(worst) if np.isfinite(worst) else None)
        yield made


def at_worst(columns: PredictionArrays) -> PredictionArrays:
    """Every missing confidence as the worst one: 1 for a wrong answer, 0 for a right one."""
    import numpy as np

    worst = (columns.correct < 0.5).astype(np.float64)
    missing = np.isnan(columns.confidence)
    return replace(columns, confidence=np.where(missing, worst, columns.confidence))


def by_chance(metric: Metric, columns: PredictionArrays, seed: int) -> float:
    """The mean of a metric whose true value is 0; see `Metric.zero_if`.

    That is how far above its true value it may be. It is less far above where that is not 0.
    """
    import numpy as np

    stated = columns.stated()
    if metric.zero_if is None or not len(stated):
        return 0.0
    calibrated = metric.zero_if == "calibrated"
    probability = stated.confidence if calibrated else np.full(len(stated), stated.correct.mean())
    rng = np.random.default_rng(seed)
    drawn = rng.random((CALIBRATED, len(stated))) < probability
    values = [metric.compute(replace(stated, correct=row.astype(np.float64))) for row in drawn]
    return float(np.mean(values))


def _difference(
    name: str,
    metric: Metric,
    pair: tuple[PredictionArrays, PredictionArrays],
    draws: Array,
    seed: int,
) -> Difference:
    """A metric of the second columns less that of the first.

    Args:
        pair: the reference's and the method's predictions for the same questions.
        draws: the difference on each resample.
    """
    import numpy as np

    before, after = (metric.compute(columns) for columns in pair)
    made = Difference(
        name,
        label(metric),
        metric.better,
        before if np.isfinite(before) else None,
        after if np.isfinite(after) else None,
        questions=len(pair[0]),
    )
    if made.before is None or made.after is None:
        return made
    made = replace(made, difference=after - before)
    least = most = draws
    if metric.zero_if is not None:
        # Each resample adds noise of its own, as much as the values have already.
        draws = draws - (np.nanmean(draws) - (after - before))
        # The true value of either may be lower, by what chance adds to it.
        chance_before, chance_after = (by_chance(metric, columns, seed) for columns in pair)
        least, most = draws - min(chance_after, after), draws + min(chance_before, before)
    lower, upper = percentile(least), percentile(most)
    if lower is None or upper is None:
        return made
    made = replace(made, low=lower[0], high=upper[1])
    if metric.better == "neither":
        return made
    defined = np.isfinite(draws)
    count = defined.sum()
    above, below = (draws[defined] > SAME).mean(), (draws[defined] < -SAME).mean()
    ahead, behind = (above, below) if metric.better == "higher" else (below, above)
    against = min((least[defined] <= SAME).sum(), (most[defined] >= -SAME).sum())
    p = min(1.0, 2 * (against + 1) / (count + 1))
    return replace(made, favour=float(ahead + (1 - ahead - behind) / 2), p=float(p))


def holm(p: Sequence[float]) -> npt.NDArray[np.float64]:
    """p-values corrected for their number: the k-th smallest of m, times m - k + 1.

    None is below one that was smaller before, and none is above 1.
    """
    import numpy as np

    values = np.array(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected
