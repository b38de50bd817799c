"""The differences between two methods on the same questions, metric by metric.

Metrics of confidence are compared on the questions for which both methods state one. Otherwise a
method would gain by withholding its confidence where it is wrong. Each difference is also computed
with every missing confidence replaced by the worst one, 1 for a wrong answer and 0 for a right one.
If that has the opposite sign, the outcome is unclear.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from saysel.interfaces import Metric, PredictionArrays
from saysel.scoring.bootstrap import (
    TOLERANCE,
    distinct_rows,
    percentile_interval,
    question_resamples,
)
from saysel.scoring.scores import label, on_resamples

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Rows = npt.NDArray[np.intp]

#: The level of the tests.
LEVEL = 0.05
#: Draws of correctness to estimate how much of a value is noise.
NOISE_DRAWS = 100


@dataclass(frozen=True)
class Difference:
    """One metric of a method compared with the reference.

    Attributes:
        method: the method's name.
        metric: the score's name.
        better: `higher`, `lower` or `neither`.
        before, after: the reference's value and the method's; `None` where not defined.
        difference: after - before.
        low, high: ends of its 95 % percentile-bootstrap interval. For metrics that sampling noise
            inflates, such as ECE, the interval is extended on either side by the noise that the
            values may contain, and `p` makes the same allowance.
        favour: share of resamples in which the method is better, ties counting half; `None` for
            metrics without a direction.
        p: two-sided, twice the share of resamples on the other side of 0; `None` likewise.
        p_holm: the same after Holm's correction over all differences with a p.
        worst: the difference on all questions if every missing confidence were the worst one;
            `None` if none is missing, and for metrics that use no confidence.
        questions: how many were compared: all, or for a metric of confidence those for which
            both methods state one.
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
    def outcome(self) -> str:
        """`better` or `worse` if that is significant after the correction, else `unclear`.

        Also unclear: a difference that is 0 to three decimals, and one that would have the
        opposite sign if every missing confidence were the worst one.
        """
        if self.p_holm is None or self.difference is None or self.p_holm >= LEVEL:
            return "unclear"
        if round(self.difference, 3) == 0 or self.difference * (self.worst or 0) < 0:
            return "unclear"
        return "better" if (self.difference > 0) == (self.better == "higher") else "worse"


class ResampledMethod:
    """One method's metrics on bootstrap resamples of its questions.

    With the same seed and the same order of questions, all methods share their resamples.
    """

    def __init__(
        self, metrics: Sequence[Metric], columns: PredictionArrays, count: int, seed: int
    ) -> None:
        self.metrics, self.columns, self.count, self.seed = metrics, columns, count, seed
        self._last: dict[bool, tuple[Rows, Array]] = {}

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
        distinct, row_of = distinct_rows(chosen)
        cluster = self.columns.cluster
        if cluster is not None:  # numbered without gaps, in the same order
            cluster = np.unique(cluster[rows], return_inverse=True)[1]
        weights = question_resamples(row_of, self.count, self.seed, cluster)
        values = on_resamples(metrics, chosen, distinct, row_of, weights)
        self._last[uses_confidence] = (rows, values)
        return values


def differences(
    name: str, reference: ResampledMethod, other: ResampledMethod
) -> Iterator[Difference]:
    """A method's differences from the reference, metric by metric."""
    import numpy as np

    before, after = reference.columns, other.columns
    missing = np.isnan(before.confidence) | np.isnan(after.confidence)
    for metric in reference.metrics:
        rows = np.flatnonzero(~missing) if metric.uses_confidence else np.arange(len(before))
        draws = other.draws(metric, rows) - reference.draws(metric, rows)
        pair = before.take(rows), after.take(rows)
        difference = replace(_values(metric, *pair), method=name)
        if difference.difference is not None:
            difference = _tested(difference, metric, pair, draws, reference.seed)
        if metric.uses_confidence and missing.any():
            worst = metric.compute(with_worst(after)) - metric.compute(with_worst(before))
            difference = replace(difference, worst=float(worst) if np.isfinite(worst) else None)
        yield difference


def _values(metric: Metric, before: PredictionArrays, after: PredictionArrays) -> Difference:
    """The metric of both methods, not tested yet."""
    import numpy as np

    values = metric.compute(before), metric.compute(after)
    first, second = (value if np.isfinite(value) else None for value in values)
    return Difference(
        method="",
        metric=label(metric),
        better=metric.better,
        before=first,
        after=second,
        difference=None if first is None or second is None else second - first,
        questions=len(before),
    )


def _tested(
    difference: Difference,
    metric: Metric,
    pair: tuple[PredictionArrays, PredictionArrays],
    draws: Array,
    seed: int,
) -> Difference:
    """The difference with its interval, and with its p-value if the metric has a direction.

    Args:
        pair: the reference's and the method's predictions for the same questions.
        draws: the difference on each resample: [R].
    """
    import numpy as np

    if metric.counts:
        return difference  # resamples repeat questions, so they count less than there is
    before, after = difference.before or 0.0, difference.after or 0.0
    lowest = highest = draws
    if metric.zero_if is not None:
        # Each resample adds new noise, as much as the values contain already.
        draws = draws - (np.nanmean(draws) - (after - before))
        # Either true value may be lower than the observed one, by the noise in it.
        noise_before, noise_after = (noise(metric, columns, seed) for columns in pair)
        lowest, highest = draws - min(noise_after, after), draws + min(noise_before, before)
    lower, upper = percentile_interval(lowest), percentile_interval(highest)
    if lower is None or upper is None:
        return difference
    difference = replace(difference, low=lower[0], high=upper[1])
    if metric.better == "neither":
        return difference
    defined = np.isfinite(draws)
    above = (draws[defined] > TOLERANCE).mean()
    below = (draws[defined] < -TOLERANCE).mean()
    ahead, behind = (above, below) if metric.better == "higher" else (below, above)
    against = min((lowest[defined] <= TOLERANCE).sum(), (highest[defined] >= -TOLERANCE).sum())
    p = min(1.0, 2 * (against + 1) / (defined.sum() + 1))
    return replace(difference, favour=float(ahead + (1 - ahead - behind) / 2), p=float(p))


def with_worst(columns: PredictionArrays) -> PredictionArrays:
    """Every missing confidence replaced by the worst one: 1 if wrong, 0 if right."""
    import numpy as np

    worst = (columns.correct < 0.5).astype(np.float64)
    missing = np.isnan(columns.confidence)
    return replace(columns, confidence=np.where(missing, worst, columns.confidence))


def noise(metric: Metric, columns: PredictionArrays, seed: int) -> float:
    """The mean of a metric if its true value is 0; 0 if noise does not inflate the metric.

    That is how far an observed value may be above the true one. The distance is smaller if the
    true value is not 0.
    """
    import numpy as np

    stated = columns.stated()
    if metric.zero_if is None or not len(stated):
        return 0.0
    calibrated = metric.zero_if == "calibrated"
    probability = stated.confidence if calibrated else np.full(len(stated), stated.correct.mean())
    rng = np.random.default_rng(seed)
    drawn = rng.random((NOISE_DRAWS, len(stated))) < probability
    values = [metric.compute(replace(stated, correct=row.astype(np.float64))) for row in drawn]
    return float(np.mean(values))


def with_holm(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """The differences with `p_holm`: those that have a p are one family."""
    corrected = iter(holm([one.p for one in differences if one.p is not None]))
    return tuple(
        one if one.p is None else replace(one, p_holm=float(next(corrected))) for one in differences
    )


def holm(p: Sequence[float]) -> npt.NDArray[np.float64]:
    """p-values after Holm's correction: the k-th smallest of m, times m - k + 1.

    None is below a corrected one that was smaller before, and none is above 1.
    """
    import numpy as np

    values = np.array(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected
