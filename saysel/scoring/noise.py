"""Sampling noise in metrics that are never below 0: how much it adds, and intervals that cover.

The calibration error of a perfectly calibrated forecaster is 0, but measured on finitely many
answers it is larger, because random gaps add up. A bootstrap would add that noise a second time,
so its interval would be too high. Instead, we consider a family of forecasters with the same stated
confidences and `scale` times the observed gaps; scale 0 is perfect calibration. Correctness is
drawn at each scale, as variable and as correlated within clusters as it is observed to be (see
`saysel.scoring.variation`), and the interval contains the true values of the scales at which the
observed value is between the 2.5 % and the 97.5 % quantile of the draws (inversion of a test). The
scale whose median equals the observed value gives the debiased value, and scale 0 tests
calibration.

Source: scale 0: consistency resampling, Bröcker & Smith 2007, "Increasing the reliability of
reliability diagrams"; inversion along a family: DiCiccio & Romano 1990, "Nonparametric confidence
limits by resampling methods and least favorable families".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from saysel.interfaces import Metric, PredictionArrays
from saysel.scoring.bootstrap import TOLERANCE, cluster_count
from saysel.scoring.confidence_groups import ConfidenceGroups, by_confidence, directions

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

#: Draws of correctness at each scale.
DRAWS = 500
#: Scales after 0, in the order in which they are tried. They end once 97.5 % of the draws exceed
#: the observed value.
SCALES = (0.3, 0.6, 0.9, 1.2, 1.6, 2.2, 3.0, 5.0, 9.0)
#: Largest relative change of a value when similar confidences are merged. A metric that changes
#: more is only noise on these predictions.
MERGE_TOLERANCE = 0.25
#: The quantiles that are compared with the observed value.
QUANTILES = (0.025, 0.5, 0.975)


@dataclass(frozen=True)
class NoiseEstimate:
    """What sampling noise contributes to a metric.

    Attributes:
        low, high: ends of the 95 % interval of the true value.
        debiased: the true value for which the observed one is the median.
        by_chance: the mean value if the true value is 0.
        p: share of the draws under a true value of 0 that reach the observed value.
    """

    low: float
    high: float
    debiased: float
    by_chance: float
    p: float


@dataclass(frozen=True)
class _Experiment:
    """Metrics of one kind on some predictions.

    Attributes:
        values: observed: [metrics].
        groups: the predictions by stated confidence: L groups.
        base: probability of a correct answer for the forecaster whose true value is 0: [L].
        null: the metrics on correctness drawn from `base`: [draws, metrics].
    """

    metrics: Sequence[Metric]
    values: Sequence[float]
    groups: ConfidenceGroups
    base: Array
    null: Array


@dataclass(frozen=True)
class _Curves:
    """The metrics along one direction, scale by scale; no curve ever falls.

    Attributes:
        weight: of this direction in debiased values.
        true: true values: [scales, metrics].
        observed: `QUANTILES` of the values on drawn correctness: [scales, 3, metrics].
    """

    weight: float
    true: Array
    observed: Array


def estimate_noise(
    metrics: Sequence[Metric], columns: PredictionArrays, draws: int = DRAWS, seed: int = 0
) -> list[NoiseEstimate | None]:
    """The noise in each metric; `None` if the metric is not defined, or is only noise.

    Also `None` for a single question or cluster.

    Args:
        metrics: all with `zero_if`.
        columns: judged predictions.
        draws: of correctness, at each scale.
    """
    import numpy as np

    stated = columns.stated()
    values = [metric.compute(stated) for metric in metrics]
    estimates: list[NoiseEstimate | None] = [None] * len(metrics)
    if cluster_count(stated.cluster, len(stated)) == 1:
        return estimates  # it says nothing about others
    for kind in dict.fromkeys(metric.zero_if for metric in metrics):
        members = [
            i
            for i, metric in enumerate(metrics)
            if metric.zero_if == kind and np.isfinite(values[i])
        ]
        if members:
            chosen, observed = [metrics[i] for i in members], [values[i] for i in members]
            made = _estimate_kind(chosen, observed, stated, draws, seed)
            for i, estimate in zip(members, made, strict=True):
                estimates[i] = estimate
    return estimates


def _estimate_kind(
    metrics: Sequence[Metric],
    values: Sequence[float],
    columns: PredictionArrays,
    draws: int,
    seed: int,
) -> list[NoiseEstimate | None]:
    """The same for metrics of one kind, all of them defined on these predictions."""
    import numpy as np

    kind = metrics[0].zero_if
    groups = by_confidence(columns)
    base = groups.confidence
    if kind == "uninformative":
        base = np.full(len(groups.n), np.average(groups.correct, weights=groups.n))
    rng = np.random.default_rng(seed)
    null = _draw(metrics, groups, base, draws, rng)
    experiment = _Experiment(metrics, values, groups, base, null)
    curves = [
        _trace(experiment, weight, direction, rng)
        for weight, direction in directions(groups, base, kind)
    ]
    return [_estimate(experiment, m, curves) for m in range(len(metrics))]


def _trace(
    experiment: _Experiment, weight: float, direction: Array, rng: np.random.Generator
) -> _Curves:
    """The metrics of forecasters along one direction.

    Args:
        direction: difference of the probability of a correct answer from the base at scale 1: [L].
    """
    import numpy as np

    metrics, groups, null = experiment.metrics, experiment.groups, experiment.null
    counts = groups.n[None].astype(np.float64)
    true = [np.zeros(len(metrics))]
    observed = [np.quantile(null, QUANTILES, axis=0)]
    for scale in SCALES:
        # A metric is done once all but 2.5 % of its draws exceed the observed value.
        remaining = np.flatnonzero(observed[-1][0] <= experiment.values).tolist()
        if not remaining:
            break
        chosen = [metrics[m] for m in remaining]
        probability = np.clip(experiment.base + scale * direction, 0, 1)
        expected = PredictionArrays(probability, groups.confidence)
        true.append(true[-1].copy())
        true[-1][remaining] = [metric.resampled(expected, counts)[0] for metric in chosen]
        drawn = _draw(chosen, groups, probability, len(null), rng)
        observed.append(np.full_like(observed[0], np.inf))
        observed[-1][:, remaining] = np.quantile(drawn, QUANTILES, axis=0)
    return _Curves(weight, np.maximum.accumulate(true), np.maximum.accumulate(observed))


def _estimate(experiment: _Experiment, m: int, curves: Sequence[_Curves]) -> NoiseEstimate | None:
    """The estimate for the m-th metric."""
    import numpy as np

    value, null, groups = experiment.values[m], experiment.null[:, m], experiment.groups
    merged = PredictionArrays(groups.correct, groups.confidence)
    counts = groups.n[None].astype(np.float64)
    on_merged = experiment.metrics[m].resampled(merged, counts)[0]
    if abs(on_merged - value) > MERGE_TOLERANCE * value + TOLERANCE:
        return None
    highs, medians, lows = zip(
        *(
            [_crossing(value, c.observed[:, q, m], c.true[:, m], reached=q == 2) for q in range(3)]
            for c in curves
        ),
        strict=True,
    )
    p = (1 + np.count_nonzero(null >= value - TOLERANCE)) / (1 + len(null))
    return NoiseEstimate(
        # The interval contains the value, however biased the value is.
        low=min(value, *lows),
        high=max(value, *highs),
        debiased=float(sum(c.weight * median for c, median in zip(curves, medians, strict=True))),
        by_chance=float(null.mean()),
        p=float(p),
    )


def _crossing(value: float, curve: Array, truth: Array, reached: bool) -> float:
    """The true value at which a rising curve exceeds the observed value.

    Args:
        reached: whether it is enough that the curve equals the value. With few answers a metric
            takes few values, and no curve exceeds the largest of them.
    """
    import numpy as np

    above = np.flatnonzero(curve >= value - TOLERANCE if reached else curve > value)
    if not len(above):
        return float(truth[-1])
    upper = int(above[0])
    if upper == 0:
        return float(truth[0])
    below, step = curve[upper - 1], curve[upper] - curve[upper - 1]
    part = min(1.0, (value - below) / step)
    return float(truth[upper - 1] + part * (truth[upper] - truth[upper - 1]))


def _draw(
    metrics: Sequence[Metric],
    groups: ConfidenceGroups,
    probability: Array,
    draws: int,
    rng: np.random.Generator,
) -> Array:
    """Each metric on drawn correctness: [draws, metrics]."""
    import numpy as np

    right = groups.draw(probability, draws, rng)
    # Each group once with the outcome 1 and once with 0, with the drawn numbers as weights.
    weights = np.hstack([right, groups.n - right])
    correct = np.hstack([groups.variation.correctness(probability, b) for b in (1.0, 0.0)])
    rows = PredictionArrays(correct, np.tile(groups.confidence, 2))
    return np.column_stack([metric.resampled(rows, weights) for metric in metrics])
