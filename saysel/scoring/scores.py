"""Predictions to scores: each metric's value with its 95 % interval.

Shares have Wilson's interval (`shares`), metrics that sampling noise inflates that of `noise`, all
others the percentile interval of the bootstrap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from saysel.interfaces import Metric, PredictionArrays
from saysel.records import Score
from saysel.scoring.bootstrap import (
    RESAMPLES,
    TOLERANCE,
    cluster_count,
    distinct_rows,
    multinomial_resamples,
    percentile_interval,
    question_resamples,
)
from saysel.scoring.noise import DRAWS, estimate_noise
from saysel.scoring.resampling import Share, Weighted, counted_rows
from saysel.scoring.score_table import ScoreTable
from saysel.scoring.shares import share_interval

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]


def label(metric: Metric) -> str:
    """The name of a score: the metric's, with the options that differ from the defaults.

    `ece`, or `ece(bins=15)`: two variants of one metric stay apart, and each says which it is.
    """
    options = metric.model_dump(mode="json", exclude_defaults=True, exclude={"use"})
    name = metric.use or type(metric).__name__
    return f"{name}({', '.join(f'{k}={v}' for k, v in options.items())})" if options else name


def score(
    columns: PredictionArrays, metrics: Sequence[Metric], resamples: int = RESAMPLES, seed: int = 0
) -> ScoreTable:
    """Each metric's value and 95 % interval.

    Args:
        columns: judged predictions.
        metrics: what to compute; the scores come in the same order.
        resamples: number of bootstrap resamples of the questions, or of their clusters; all
            metrics share them.
        seed: of everything random.

    Returns:
        One score per metric. A value that is not finite becomes `None` and has no interval.
        Neither has a count, which describes these predictions and no others, nor a score that
        depends on a single question or cluster, on answers that are all equally correct, or on a
        ranking without an error; shares have an interval in all these cases.
    """
    import numpy as np

    inflated = [metric for metric in metrics if metric.zero_if]
    bootstrapped = [metric for metric in metrics if _needs_bootstrap(metric)]
    estimates = iter(estimate_noise(inflated, columns, min(resamples, DRAWS), seed))
    draws = iter(_bootstrap(bootstrapped, columns, resamples, seed))
    scores = []
    for metric in metrics:
        name, value = label(metric), metric.compute(columns)
        noise = next(estimates) if metric.zero_if else None
        interval = None
        if _needs_bootstrap(metric):
            counted = columns.take(counted_rows(metric, columns))
            clusters = cluster_count(counted.cluster, len(counted))
            interval = percentile_interval(next(draws), clusters)
            if interval is not None and _hide_errors(metric, counted, interval):
                interval = None
        if not np.isfinite(value):
            scores.append(Score(name, None, None, None))
        elif noise is not None:
            scores.append(Score(name, float(value), **vars(noise)))
        elif isinstance(metric, Share):
            counted = columns.take(metric.counted(columns))
            scores.append(
                share_score(name, metric.each(counted), counted.cluster, metric.bounds[0])
            )
        else:
            scores.append(Score(name, float(value), *(interval or (None, None))))
    missing = int((np.isnan(columns.confidence) & columns.answered).sum())
    declined = int((~columns.answered).sum())
    return ScoreTable(tuple(scores), len(columns), missing, declined=declined)


def _needs_bootstrap(metric: Metric) -> bool:
    return not (metric.zero_if or metric.counts or isinstance(metric, Share))


def _hide_errors(metric: Metric, counted: PredictionArrays, ends: tuple[float, float]) -> bool:
    """Whether the resamples cannot show errors that other questions may have.

    That is so if all answers are equally correct, however certain the model is of them, and if
    the value is the same on all resamples although confidences differ: every resample of answers
    that are ranked without an error is ranked without one. A metric that does not depend on
    correctness, such as `tokens`, has its interval in the first case.
    """
    import numpy as np

    if np.ptp(counted.correct) <= TOLERANCE:
        opposite = (counted.correct < 0.5).astype(np.float64)
        half = np.where(np.arange(len(counted)) % 2, counted.correct, opposite)
        value = metric.compute(counted)
        return any(metric.compute(replace(counted, correct=y)) != value for y in (half, opposite))
    stated = counted.stated().confidence
    return bool(ends[1] - ends[0] <= TOLERANCE and len(stated) and np.ptp(stated) > TOLERANCE)


def share_score(
    name: str, values: Array, cluster: npt.NDArray[np.intp] | None = None, least: float = 0
) -> Score:
    """The mean of numbers in [least, 1] with its interval, see `saysel.scoring.shares`."""
    low, high = share_interval(values, cluster, least) or (None, None)
    return Score(name, float(values.mean()) if len(values) else None, low, high)


def _bootstrap(
    metrics: Sequence[Metric], columns: PredictionArrays, count: int, seed: int
) -> Array:
    """Each metric on each bootstrap resample: [metrics, count]."""
    import numpy as np

    if not metrics:
        return np.empty((0, count))
    rows, row_of = rows_for(metrics, columns)
    if columns.cluster is None:
        weights = multinomial_resamples(row_of, count, seed)
    else:
        weights = question_resamples(row_of, count, seed, columns.cluster)
    return on_resamples(metrics, columns, rows, row_of, weights).T


def rows_for(
    metrics: Sequence[Metric], columns: PredictionArrays
) -> tuple[PredictionArrays, npt.NDArray[np.intp]]:
    """The distinct rows, and the row of each question; all rows if a metric needs the clusters."""
    import numpy as np

    needs = any(isinstance(metric, Weighted) and metric.uses_clusters for metric in metrics)
    if needs and columns.cluster is not None:
        return columns, np.arange(len(columns))
    return distinct_rows(columns)


def on_resamples(
    metrics: Sequence[Metric],
    columns: PredictionArrays,
    rows: PredictionArrays,
    row_of: npt.NDArray[np.intp],
    weights: Iterable[Array],
) -> Array:
    """Each metric on each resample: [R, metrics]; no rows without questions.

    Args:
        columns: the questions.
        rows, row_of: what `rows_for` gives.
        weights: how often each distinct row is drawn: some [R, rows] at a time.
    """
    import numpy as np

    drawn = [np.column_stack([metric.resampled(rows, w) for metric in metrics]) for w in weights]
    values = np.vstack([np.empty((0, len(metrics))), *drawn])
    # On merged rows the value is not exactly that on all questions.
    members = np.bincount(row_of, minlength=len(rows))[None].astype(np.float64)
    shift = np.array(
        [metric.compute(columns) - metric.resampled(rows, members)[0] for metric in metrics]
    )
    return values + np.where(abs(shift) > TOLERANCE, shift, 0)
