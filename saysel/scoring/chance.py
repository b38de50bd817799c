"""Metrics to which sampling noise only adds: what chance makes of them, and intervals that cover.

The calibration error of a perfectly calibrated forecaster is 0; measured on finitely many answers
it is more, as gaps that only chance has made add up. The bootstrap adds that noise once again, and
its interval is too high. Here families of forecasters are tried instead, with the stated
confidences and `scale` times the observed gaps: 0 is perfectly calibrated. Correctness is drawn at
each scale, and the interval holds the true values of those scales for which the observed value is
not among the 2.5 % least or largest: the test is inverted. The scale at which half of the draws are
larger gives the debiased value, and scale 0 tests calibration.

Source: scale 0: consistency resampling, Bröcker & Smith 2007, "Increasing the reliability of
reliability diagrams"; inversion along a family: DiCiccio & Romano 1990, "Nonparametric confidence
limits by resampling methods and least favorable families".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from saysel.interfaces import Metric, PredictionArrays
from saysel.scoring.bootstrap import SAME, levels

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

DRAWS = 500
#: Tried in this order, after 0, until the observed value is below 97.5 % of the draws.
SCALES = (0.3, 0.6, 0.9, 1.2, 1.6, 2.2, 3.0, 5.0, 9.0)
#: Up to this many stated confidences have a gap of their own; more are put into bins.
DISTINCT, BINS = 25, 10
#: More confidences than this are merged before correctness is drawn,
MOST_CONFIDENCES = 1_000
#: which may change a value by this part of it. A metric that it changes more is all noise.
MERGED = 0.25


@dataclass(frozen=True)
class Chance:
    """What sampling noise makes of a metric.

    Attributes:
        low, high: the 95 % interval of the true value.
        debiased: the true value for which the observed one is the median.
        by_chance: the mean where the true value is 0.
        p: share of the draws there that are no less than the observed value.
    """

    low: float
    high: float
    debiased: float
    by_chance: float
    p: float


@dataclass(frozen=True)
class Stated:
    """The distinct confidences, ascending: arrays of length L.

    Attributes:
        confidence, correct: mean over the answers with that confidence.
        n: the number of answers.
        independent: the number of independent answers that are as noisy, at most n.
    """

    confidence: Array
    correct: Array
    n: npt.NDArray[np.int64]
    independent: npt.NDArray[np.int64]


def judge_by_chance(
    metrics: Sequence[Metric], columns: PredictionArrays, draws: int = DRAWS, seed: int = 0
) -> list[Chance | None]:
    """What chance makes of each metric; `None` where the metric is not defined, or all noise.

    Args:
        metrics: all with `zero_if`.
        columns: judged predictions.
        draws: of correctness, at each scale.
    """
    import numpy as np

    found: list[Chance | None] = [None] * len(metrics)
    stated = columns.stated()
    values = [metric.compute(stated) for metric in metrics]
    for kind in dict.fromkeys(metric.zero_if for metric in metrics):
        places = [
            i
            for i, metric in enumerate(metrics)
            if metric.zero_if == kind and np.isfinite(values[i])
        ]
        if places:
            family = [metrics[i] for i in places]
            made = _invert(family, [values[i] for i in places], stated, kind, draws, seed)
            for i, chance in zip(places, made, strict=True):
                found[i] = chance
    return found


def _invert(
    metrics: Sequence[Metric],
    values: Sequence[float],
    columns: PredictionArrays,
    kind: str | None,
    draws: int,
    seed: int,
) -> list[Chance | None]:
    import numpy as np

    at = by_confidence(columns)
    base = at.confidence
    if kind == "uninformative":
        base = np.full(len(at.n), np.average(at.correct, weights=at.n))
    rng = np.random.default_rng(seed)
    null = _outcomes(metrics, at, base, draws, rng)
    families = [
        (weight, *_family(metrics, values, at, base, direction, null, rng))
        for weight, direction in directions(at, base, kind)
    ]
    merged, weights = PredictionArrays(at.correct, at.confidence), at.n[None].astype(np.float64)
    found: list[Chance | None] = []
    for m, value in enumerate(values):
        if abs(metrics[m].resampled(merged, weights)[0] - value) > MERGED * value + SAME:
            found.append(None)
            continue
        ends = [
            [_cross(value, curves[:, end, m], true[:, m], end == 2) for end in range(3)]
            for _, true, curves in families
        ]
        p = (1 + np.count_nonzero(null[:, m] >= value - SAME)) / (1 + len(null))
        debiased = sum(w * end[1] for (w, *_), end in zip(families, ends, strict=True))
        found.append(
            Chance(
                # However biased the value is, its interval holds it.
                low=min(value, *(end[2] for end in ends)),
                high=max(value, *(end[0] for end in ends)),
                debiased=float(debiased),
                by_chance=float(null[:, m].mean()),
                p=float(p),
            )
        )
    return found


def _family(
    metrics: Sequence[Metric],
    values: Sequence[float],
    at: Stated,
    base: Array,
    direction: Array,
    null: Array,
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """What is observed of forecasters along one direction, scale by scale.

    Args:
        direction: how far the probability of a right answer is from the base at scale 1: [L].
        null: the metrics at scale 0: [draws, metrics].

    Returns:
        The metrics' true values, [scales, metrics], and the 2.5 %, 50 % and 97.5 % quantiles of
        the observed ones, [scales, 3, metrics]; both never fall from scale to scale.
    """
    import numpy as np

    weights = at.n[None].astype(np.float64)
    truth = [np.zeros(len(metrics))]
    quantiles = [np.quantile(null, (0.025, 0.5, 0.975), axis=0)]
    for scale in SCALES:
        # Metrics whose draws are all but 2.5 % above the observed value are done.
        todo = np.flatnonzero(quantiles[-1][0] <= values).tolist()
        if not todo:
            break
        chosen = [metrics[m] for m in todo]
        probability = np.clip(base + scale * direction, 0, 1)
        expected = PredictionArrays(probability, at.confidence)
        truth.append(truth[-1].copy())
        truth[-1][todo] = [metric.resampled(expected, weights)[0] for metric in chosen]
        drawn = _outcomes(chosen, at, probability, len(null), rng)
        quantiles.append(np.full_like(quantiles[0], np.inf))
        quantiles[-1][:, todo] = np.quantile(drawn, (0.025, 0.5, 0.975), axis=0)
    return np.maximum.accumulate(truth), np.maximum.accumulate(quantiles)


def directions(at: Stated, base: Array, kind: str | None) -> list[tuple[float, Array]]:
    """The directions in which forecasters are tried, [L] each, and weights that add up to 1.

    Noise adds most where gaps differ in sign, and least where confidence is too high, or too low,
    throughout. So both are tried: the observed gaps, which differ by noise too, and the mean gap
    alone, as large as the observed ones are on average. Intervals hold what either allows. The
    debiased values are weighted by the part of the gaps' spread that is not noise, I squared
    (Higgins & Thompson 2002, "Quantifying heterogeneity in a meta-analysis").
    """
    import numpy as np

    bin = bins(at.n)
    gap = gaps(at, base)
    if kind != "calibrated":
        return [(1.0, gap)]
    mean = np.average(gap, weights=at.n)
    size = np.bincount(bin, at.independent)
    spread = np.clip(base + gap, 0.01, 0.99)
    noise = np.bincount(bin, at.independent * spread * (1 - spread)) / size**2
    observed = np.bincount(bin, at.n * gap) / np.bincount(bin, at.n)
    q = float(((observed - mean) ** 2 / noise).sum())
    mixed = max(0.0, 1 - (len(size) - 1) / q) if q > 0 else 0.0
    same = np.full(len(at.n), np.copysign(np.average(abs(gap), weights=at.n), mean))
    return [(mixed, gap), (1 - mixed, same)]


def _cross(value: float, curve: Array, truth: Array, reached: bool) -> float:
    """The true value at which a rising curve exceeds the observed value.

    Args:
        reached: at which it equals it already. Of few answers a metric has few values, and the
            largest of them is never exceeded.
    """
    import numpy as np

    above = np.flatnonzero(curve >= value - SAME if reached else curve > value)
    if not len(above):
        return float(truth[-1])
    upper = int(above[0])
    if upper == 0:
        return float(truth[0])
    below, step = curve[upper - 1], curve[upper] - curve[upper - 1]
    part = min(1.0, (value - below) / step)
    return float(truth[upper - 1] + part * (truth[upper] - truth[upper - 1]))


def by_confidence(columns: PredictionArrays) -> Stated:
    """Predictions with equal confidence as one, with the noise of their correctness."""
    import numpy as np

    level = levels(columns.confidence, MOST_CONFIDENCES)
    level = np.unique(level, return_inverse=True)[1]
    n = np.bincount(level)
    confidence = np.bincount(level, columns.confidence) / n
    correct = np.bincount(level, columns.correct) / n
    made = Stated(confidence, correct, n, n)
    if columns.cluster is None:
        return made
    expected = np.clip(confidence + gaps(made, confidence), 0, 1)
    effect = design_effect(columns.correct - expected[level], bins(n)[level], columns.cluster)
    return replace(made, independent=np.maximum(1, np.rint(n / effect)).astype(np.int64))


def design_effect(
    residuals: Array, bin: npt.NDArray[np.intp], cluster: npt.NDArray[np.intp]
) -> float:
    """How many times the variance of sums grows because clusters vary together; at least 1.

    The larger of two: that of the sums within bins, and that of the sum of everything.
    """
    import numpy as np

    each = float(residuals @ residuals)
    if each < SAME:
        return 1.0
    within = np.unique(bin * (cluster.max() + 1) + cluster, return_inverse=True)[1]
    sums = [np.bincount(within, residuals), np.bincount(cluster, residuals)]
    return max(1.0, *(float(part @ part) / each for part in sums))


def bins(n: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """The bin of each distinct confidence, ascending, from the number of answers with it."""
    import numpy as np

    if len(n) <= DISTINCT:
        return np.arange(len(n))
    place = (np.cumsum(n) - n / 2) * BINS // n.sum()
    return np.asarray(place, dtype=np.intp)


def gaps(at: Stated, base: Array) -> Array:
    """How far the share of right answers is above the base, bin by bin: [L]."""
    import numpy as np

    bin = bins(at.n)
    total = np.bincount(bin, at.n)
    gap = np.bincount(bin, at.n * (at.correct - base)) / np.where(total == 0, 1, total)
    found: Array = gap[bin]
    return found


def _outcomes(
    metrics: Sequence[Metric],
    at: Stated,
    probability: Array,
    draws: int,
    rng: np.random.Generator,
) -> Array:
    """Each metric on drawn correctness: [draws, metrics]."""
    import numpy as np

    right = rng.binomial(at.independent, probability, size=(draws, len(at.n)))
    right = np.rint(right * (at.n / at.independent))
    weights = np.hstack([right, at.n - right]).astype(np.float64)
    correct = np.repeat([1.0, 0.0], len(at.n))
    rows = PredictionArrays(correct, np.tile(at.confidence, 2))
    return np.column_stack([metric.resampled(rows, weights) for metric in metrics])
