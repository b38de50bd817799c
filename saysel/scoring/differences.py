"""The differences between two methods on the same questions, metric by metric.

Metrics of confidence are compared on the questions for which both methods state one. Otherwise a
method would gain by withholding its confidence where it is wrong. Each difference is also computed
with every missing confidence replaced by the worst one, 1 for a wrong answer and 0 for a right one.
If that has the opposite sign, the outcome is unclear. A reply that declines to answer is not
missing a confidence: its question is left out of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING

from saysel.interfaces import Metric, PredictionArrays
from saysel.scoring.across_seeds import across_seeds
from saysel.scoring.bootstrap import TOLERANCE, fewest, percentile_interval, two_sided_p
from saysel.scoring.resampled_method import ResampledMethod
from saysel.scoring.resampling import counted_rows
from saysel.scoring.scores import label
from saysel.scoring.variation import estimate_variation

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

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
        low, high: ends of its 95 % percentile-bootstrap interval; `None` if a value depends on a
            single question or cluster. For metrics that sampling noise inflates, such as ECE, the
            interval is extended on either side by the noise that the values may contain, and `p`
            makes the same allowance.
        favour: share of resamples in which the method is better, ties counting half; `None` for
            metrics without a direction.
        p: two-sided, twice the share of resamples on the other side of 0, and not below the
            probability that so few questions or clusters agree by chance; `None` likewise.
        p_holm: the same after Holm's correction over all differences with a p.
        worst: the difference if every missing confidence were the worst one, on the questions that
            neither method declines; `None` if none is missing there, and for metrics that use no
            confidence.
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


#: The reference and a method on the same questions; with several seeds, one pair for each.
Pair = tuple[ResampledMethod, ResampledMethod]


def differences(name: str, pairs: Sequence[Pair]) -> Iterator[Difference]:
    """A method's differences from the reference, metric by metric.

    Args:
        name: the method's.
        pairs: one; or one for each seed on which both were measured. Values are then means over
            the seeds, see `saysel.scoring.pooling`.
    """
    for metric in pairs[0][0].metrics:
        parts = [_part(metric, *pair) for pair in pairs]
        yield replace(_combined(metric, parts, pairs[0][0].seed), method=name)


@dataclass(frozen=True)
class Part:
    """One metric of one pair.

    Attributes:
        before, after: the values; NaN where not defined.
        draws: the difference on each resample: [R]; empty where a value is not defined.
        lower, higher: how far the true difference may be below and above the observed one because
            of the noise in the values.
        worst: see `Difference`.
        questions: how many were compared.
        clusters: that they belong to; `None` if they are independent.
        units: what was resampled, see `ResampledMethod.units`.
    """

    before: float
    after: float
    draws: Array
    lower: float
    higher: float
    worst: float | None
    questions: int
    clusters: int | None
    units: frozenset[tuple[int, int]]

    @property
    def defined(self) -> bool:
        return isfinite(self.before) and isfinite(self.after)


def _part(metric: Metric, reference: ResampledMethod, other: ResampledMethod) -> Part:
    import numpy as np

    before, after = reference.columns, other.columns
    missing = np.isnan(before.confidence) | np.isnan(after.confidence)
    rows = np.flatnonzero(~missing) if metric.uses_confidence else np.arange(len(before))
    pair = before.take(rows), after.take(rows)
    first, second = (float(metric.compute(columns)) for columns in pair)
    worst, draws, lower, higher = None, np.empty(0), 0.0, 0.0
    answered = before.answered & after.answered
    if metric.uses_confidence and (missing & answered).any():
        old, new = (with_worst(one.take(np.flatnonzero(answered))) for one in (before, after))
        change = metric.compute(new) - metric.compute(old)
        worst = float(change) if np.isfinite(change) else None
    # Resamples repeat questions, so they count less than there is.
    if isfinite(second - first) and not metric.counts:
        draws = other.draws(metric, rows) - reference.draws(metric, rows)
    if metric.zero_if is not None and len(draws):
        # Each resample adds new noise, as much as the values contain already.
        draws = draws - (np.nanmean(draws) - (second - first))
        # Either true value may be lower than the observed one, by the noise in it.
        noise_before, noise_after = (noise(metric, columns, reference.seed) for columns in pair)
        lower, higher = min(noise_after, second), min(noise_before, first)
    first_rows, second_rows = (rows[counted_rows(metric, columns)] for columns in pair)
    clusters = fewest([reference.clusters(first_rows), other.clusters(second_rows)])
    units = frozenset(reference.units(np.union1d(first_rows, second_rows)))
    return Part(first, second, draws, lower, higher, worst, len(rows), clusters, units)


def _combined(metric: Metric, parts: Sequence[Part], seed: int) -> Difference:
    """The mean over the parts for which the metric is defined, with its interval and test."""
    import numpy as np

    defined = [part for part in parts if part.defined]
    before = _mean([part.before for part in defined or parts])
    after = _mean([part.after for part in defined or parts])
    difference = Difference(
        method="",
        metric=label(metric),
        better=metric.better,
        before=before,
        after=after,
        difference=None if before is None or after is None else after - before,
        questions=sum(part.questions for part in defined or parts),
        worst=_worst(parts),
    )
    if metric.counts or not defined:
        return difference
    observed = np.array([part.after - part.before for part in defined])
    draws = across_seeds(observed, np.array([part.draws for part in defined]), seed)
    lower, higher = (
        float(np.mean([getattr(part, side) for part in defined])) for side in ("lower", "higher")
    )
    clusters = fewest(part.clusters for part in defined)
    # Questions that several seeds share are resampled once.
    units = len(frozenset[tuple[int, int]]().union(*(part.units for part in defined)))
    tested = _tested(difference, draws, draws - lower, draws + higher, units, clusters)
    if tested.low is None or tested.high is None:
        return tested
    span = metric.bounds[1] - metric.bounds[0]
    return replace(tested, low=max(-span, tested.low), high=min(span, tested.high))


def _mean(values: Sequence[float]) -> float | None:
    """The mean of the values that are defined."""
    finite = [value for value in values if isfinite(value)]
    return sum(finite) / len(finite) if finite else None


def _worst(parts: Sequence[Part]) -> float | None:
    """The mean difference with missing confidences at their worst; `None` if none is missing."""
    if all(part.worst is None for part in parts):
        return None
    return _mean([part.after - part.before if part.worst is None else part.worst for part in parts])


def _tested(
    difference: Difference,
    draws: Array,
    lowest: Array,
    highest: Array,
    units: int,
    clusters: int | None,
) -> Difference:
    """The difference with its interval, and with its p-value if the metric has a direction.

    Args:
        draws: the difference on each resample: [R].
        lowest, highest: the same if the noise in the values makes the difference as small or as
            large as it can.
        units: how many questions or clusters were resampled.
        clusters: likewise; `None` for independent questions.
    """
    import numpy as np

    lower, upper = (percentile_interval(ends, clusters) for ends in (lowest, highest))
    if lower is None or upper is None:
        return difference
    difference = replace(difference, low=lower[0], high=upper[1])
    if difference.better == "neither":
        return difference
    defined = np.isfinite(draws)
    above = (draws[defined] > TOLERANCE).mean()
    below = (draws[defined] < -TOLERANCE).mean()
    ahead, behind = (above, below) if difference.better == "higher" else (below, above)
    against = min((lowest[defined] <= TOLERANCE).sum(), (highest[defined] >= -TOLERANCE).sum())
    p = two_sided_p((against + 1) / (defined.sum() + 1), units, clusters)
    return replace(difference, favour=float(ahead + (1 - ahead - behind) / 2), p=p)


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
    drawn = estimate_variation(stated).draw(probability, stated.cluster, NOISE_DRAWS, rng)
    values = [metric.compute(replace(stated, correct=correct)) for correct in drawn]
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
