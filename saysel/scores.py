"""Predictions to scores: each metric's value with its bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence

from saysel.interfaces import Columns, Metric
from saysel.records import Prediction, Score

#: Percentiles that end a 95 % interval.
ENDS = (2.5, 97.5)


def columns(predictions: Sequence[Prediction]) -> Columns:
    """Judged predictions as arrays, in order; those with `correct=None` are left out."""
    import numpy as np

    judged = [prediction for prediction in predictions if prediction.correct is not None]
    return Columns(
        correct=np.array([prediction.correct for prediction in judged], dtype=np.float64),
        confidence=np.array(
            [np.nan if p.confidence is None else p.confidence for p in judged], dtype=np.float64
        ),
    )


def label(metric: Metric) -> str:
    """The name a score goes by: the metric's, with the options that differ from the default.

    `ece`, or `ece(bins=15)`: two variants of one metric stay apart, and each says which it is.
    """
    options = metric.model_dump(mode="json", exclude_defaults=True, exclude={"use"})
    name = metric.use or type(metric).__name__
    return f"{name}({', '.join(f'{k}={v}' for k, v in options.items())})" if options else name


def score(
    columns: Columns, metrics: Sequence[Metric], resamples: int = 1000, seed: int = 0
) -> list[Score]:
    """Each metric's value and 95 % percentile-bootstrap interval over the questions.

    Args:
        columns: judged predictions of one row of the report.
        metrics: what to compute; the scores come in the same order.
        resamples: bootstrap samples, the same rows for every metric.
        seed: of the resampling.

    Returns:
        One score per metric. A value that is not finite becomes `None`. A resample where a
        metric is not defined is left out of its interval; where more than half are, or the
        value itself is `None`, there is no interval.

    Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3.
    """
    import numpy as np

    n = len(columns)
    values = [metric.compute(columns) for metric in metrics]
    draws = np.full((resamples if n else 0, len(metrics)), np.nan)
    rng = np.random.default_rng(seed)
    for draw in draws:
        resample = columns.take(rng.integers(n, size=n))
        draw[:] = [metric.compute(resample) for metric in metrics]

    scores = []
    for metric, value, column in zip(metrics, values, draws.T, strict=True):
        defined = column[np.isfinite(column)]
        if not np.isfinite(value):
            scores.append(Score(label(metric), None, None, None))
        elif not len(defined) or len(defined) < len(column) / 2:
            scores.append(Score(label(metric), float(value), None, None))
        else:
            low, high = np.percentile(defined, ENDS)
            scores.append(Score(label(metric), float(value), float(low), float(high)))
    return scores
