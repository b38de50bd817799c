"""Two ways of answering the same questions: how far apart, and is it more than chance?

Every metric is compared on the same bootstrap resamples of the shared questions, so that what makes
a question hard for both cancels out: differences are far more certain than two intervals side by
side suggest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from saysel.bootstrap import SAME, cells, percentile
from saysel.errors import DataError, UsageError
from saysel.interfaces import Columns, Metric
from saysel.records import Prediction
from saysel.scores import columns, label, resampled

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: More than for intervals: the least p-value, 2 / (RESAMPLES + 1), has to survive a correction.
RESAMPLES = 10_000
#: How often correctness is drawn from the confidences to see what chance makes of a metric.
CALIBRATED = 100


@dataclass(frozen=True)
class Method:
    """Predictions under one name.

    Attributes:
        name: as shown.
        predictions: at most one per question.
        prompts: the questions' texts by id, where they are known. One id with two texts is two
            questions.
    """

    name: str
    predictions: Sequence[Prediction]
    prompts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """One metric of a method beside the reference's.

    Attributes:
        method: the method's name.
        metric: the score's name.
        better: `higher`, `lower` or `neither`.
        before, after: the reference's value and the method's; `None` where not defined.
        difference: after - before.
        low, high: ends of its 95 % percentile-bootstrap interval. Where chance alone makes a
            metric more, such as ECE, the interval is wider by as much as that may be, on either
            side, and `p` is that of the same allowance.
        favour: share of resamples in which the method is better, ties counting half; `None` for
            metrics without a direction.
        p: two-sided, twice the share of resamples on the other side of 0; `None` likewise.
        p_holm: the same after Holm's correction over all differences with a p.
    """

    method: str
    metric: str
    better: str
    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None
    favour: float | None
    p: float | None
    p_holm: float | None = None

    @property
    def verdict(self) -> str:
        """`better` or `worse` where that is sure at 5 % after the correction, else `unclear`."""
        if self.p_holm is None or self.difference is None or self.p_holm >= 0.05:
            return "unclear"
        return "better" if (self.difference > 0) == (self.better == "higher") else "worse"


@dataclass(frozen=True)
class Comparison:
    """All differences from the reference.

    Attributes:
        reference: name of the first method.
        questions: how many shared questions were compared.
        left_out: shared questions that could not be judged for every method.
        asked: the number of questions of each method, by name.
        differences: method by method, in the metrics' order.
    """

    reference: str
    questions: int
    left_out: int
    asked: Mapping[str, int]
    differences: tuple[Difference, ...]


def compare(
    methods: Sequence[Method],
    metrics: Sequence[Metric],
    intersect: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Every method against the first.

    Args:
        methods: at least two.
        metrics: what to compare. Those with a direction are one family for Holm's correction.
        intersect: leave out questions that not all methods have.
        resamples: bootstrap samples of the questions.
        seed: of the resampling.

    Raises:
        UsageError: fewer than two methods or two of one name, or their questions differ and
            `intersect` is not set, or none is shared.
        DataError: a method has two predictions for a question, or one that is not in [0, 1].

    Source: paired bootstrap, Efron & Tibshirani 1993, section 16.4; Holm 1979, "A simple
    sequentially rejective multiple test procedure"; correctness drawn from the confidences:
    consistency resampling, Bröcker & Smith 2007, "Increasing the reliability of reliability
    diagrams".
    """
    names = [method.name for method in methods]
    if len(methods) < 2:
        raise UsageError(f"there is nothing to compare: {names[0] if names else 'no method'} only")
    if len(set(names)) < len(names):
        raise UsageError(f"one is named twice: {', '.join(names)}")
    found, common = _shared(methods, intersect)
    judged = [id for id in common if all(one[id].correct is not None for one in found)]
    if not judged:
        raise UsageError(f"none of the {len(common)} shared questions was judged for all methods")
    given = [columns([one[id] for id in judged]) for one in found]
    values = [[metric.compute(one) for metric in metrics] for one in given]
    # One seed and one order of the questions: the same questions are drawn for every method.
    draws = [resampled(metrics, *cells(one), resamples, seed) for one in given]
    chance = [
        [by_chance(metric, one, seed) if metric.zero_if_calibrated else 0.0 for metric in metrics]
        for one in given
    ]
    differences = [
        _difference(
            name,
            metric,
            (values[0][m], values[i][m]),
            draws[i][:, m] - draws[0][:, m],
            (chance[0][m], chance[i][m]),
        )
        for i, name in enumerate(names)
        if i
        for m, metric in enumerate(metrics)
    ]
    corrected = iter(holm([one.p for one in differences if one.p is not None]))
    return Comparison(
        names[0],
        len(judged),
        len(common) - len(judged),
        {method.name: len(method.predictions) for method in methods},
        tuple(
            one if one.p is None else replace(one, p_holm=float(next(corrected)))
            for one in differences
        ),
    )


def _shared(
    methods: Sequence[Method], intersect: bool
) -> tuple[list[dict[str, Prediction]], list[str]]:
    """Each method's predictions by question, and the questions that all of them have."""
    found = []
    for method in methods:
        by_id = {prediction.question_id: prediction for prediction in method.predictions}
        if len(by_id) < len(method.predictions):
            ((twice, _),) = Counter(p.question_id for p in method.predictions).most_common(1)
            raise DataError(f"{method.name}: two predictions for the question '{twice}'")
        found.append(by_id)
    common = [
        id
        for id in found[0]
        if all(id in one for one in found)
        and len({method.prompts[id] for method in methods if id in method.prompts}) <= 1
    ]
    told = ", ".join(f"{m.name} has {len(m.predictions):,}" for m in methods)
    if not common:
        raise UsageError(f"no question is shared ({told}): compare answers to the same questions")
    if any(len(one) > len(common) for one in found) and not intersect:
        raise UsageError(
            f"the questions differ: {told}, and {len(common):,} are shared; "
            "add --intersect to compare on those"
        )
    return found, common


def by_chance(metric: Metric, columns: Columns, seed: int) -> float:
    """What a metric is on average if every confidence is the chance of its answer to be right.

    For a metric that is 0 for perfect calibration: how far above its true value it may lie. It
    lies less far above where the confidences are badly calibrated.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    drawn = rng.random((CALIBRATED, len(columns))) < columns.confidence
    values = [metric.compute(replace(columns, correct=row.astype(np.float64))) for row in drawn]
    return float(np.mean(values))


def _difference(
    name: str,
    metric: Metric,
    values: tuple[float, float],
    draws: npt.NDArray[np.float64],
    chance: tuple[float, float],
) -> Difference:
    """The second of two values less the first, beside what resampling makes of that.

    Args:
        values, chance: of the reference and of the method; see `by_chance`.
        draws: the difference on each resample.
    """
    import numpy as np

    before, after = (value if np.isfinite(value) else None for value in values)
    made = Difference(
        method=name,
        metric=label(metric),
        better=metric.better,
        before=before,
        after=after,
        difference=None,
        low=None,
        high=None,
        favour=None,
        p=None,
    )
    if before is None or after is None:
        return made
    made = replace(made, difference=after - before)
    least = most = draws
    if metric.zero_if_calibrated:
        # Each resample adds noise of its own, which is as much as chance has made already.
        draws = draws - (np.nanmean(draws) - (after - before))
        # The true value of either may lie lower, by what chance adds to it.
        least, most = draws - min(chance[1], after), draws + min(chance[0], before)
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
