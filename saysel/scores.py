"""Predictions to scores: each metric's value with its bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from saysel.bootstrap import RESAMPLES, bca, cells, jackknife, percentile, resamples
from saysel.errors import DataError
from saysel.interfaces import Columns, Metric
from saysel.records import Prediction, Score

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def columns(predictions: Sequence[Prediction]) -> Columns:
    """Judged predictions as arrays, in order; those with `correct=None` are left out.

    Raises:
        DataError: a confidence or a correctness is not a number in [0, 1]. A confidence that
            could not be read has to be `None`.
    """
    import numpy as np

    judged = [prediction for prediction in predictions if prediction.correct is not None]
    for prediction in judged:
        for name in ("confidence", "correct"):
            value = getattr(prediction, name)
            if value is not None and not 0 <= value <= 1:
                raise DataError(
                    f"prediction of question '{prediction.question_id}': {name} must be a number "
                    f"from 0 to 1, or missing (got {value})"
                )
    # No answer takes 0 tokens: nobody counted.
    tokens = np.array([prediction.tokens or np.nan for prediction in judged], dtype=np.float64)
    return Columns(
        correct=np.array([prediction.correct for prediction in judged], dtype=np.float64),
        confidence=np.array(
            [np.nan if p.confidence is None else p.confidence for p in judged], dtype=np.float64
        ),
        tokens=tokens if np.isfinite(tokens).any() else None,
    )


def label(metric: Metric) -> str:
    """The name a score goes by: the metric's, with the options that differ from the default.

    `ece`, or `ece(bins=15)`: two variants of one metric stay apart, and each says which it is.
    """
    options = metric.model_dump(mode="json", exclude_defaults=True, exclude={"use"})
    name = metric.use or type(metric).__name__
    return f"{name}({', '.join(f'{k}={v}' for k, v in options.items())})" if options else name


def resampled(
    metrics: Sequence[Metric], rows: Columns, cell: npt.NDArray[np.intp], count: int, seed: int
) -> npt.NDArray[np.float64]:
    """Each metric on each bootstrap resample: [count, metrics], no rows without questions."""
    import numpy as np

    drawn = [
        np.column_stack([metric.resampled(rows, weights) for metric in metrics])
        for weights in resamples(cell, count, seed)
    ]
    return np.vstack([np.empty((0, len(metrics))), *drawn])


def score(
    columns: Columns, metrics: Sequence[Metric], resamples: int = RESAMPLES, seed: int = 0
) -> list[Score]:
    """Each metric's value and 95 % bootstrap intervals over the questions.

    Args:
        columns: judged predictions of one row of the report.
        metrics: what to compute; the scores come in the same order.
        resamples: bootstrap samples, the same rows for every metric.
        seed: of the resampling.

    Returns:
        One score per metric. A value that is not finite becomes `None` and has no intervals. For
        the others see `saysel.bootstrap.percentile` and `saysel.bootstrap.bca`.
    """
    if not metrics:
        return []
    rows, cell = cells(columns)
    draws = resampled(metrics, rows, cell, resamples, seed)
    left, times = jackknife(cell)
    scores = []
    for metric, column in zip(metrics, draws.T, strict=True):
        value = metric.compute(columns)
        scores.append(
            with_intervals(label(metric), value, column, metric.resampled(rows, left), times)
        )
    return scores


def with_intervals(
    name: str,
    value: float,
    draws: npt.NDArray[np.float64],
    left: npt.NDArray[np.float64],
    times: npt.NDArray[np.float64],
) -> Score:
    """A value with both intervals.

    Args:
        name: what the score is called.
        value: on all questions; not finite: a score of `None`.
        draws: on the resamples; empty: no intervals.
        left, times: on what `saysel.bootstrap.jackknife` leaves, and how often.
    """
    import numpy as np

    if not np.isfinite(value):
        return Score(name, None, None, None)
    low, high = percentile(draws) or (None, None)
    ends = bca(value, draws, left, times) if len(draws) else None
    bca_low, bca_high = ends or (None, None)
    return Score(name, float(value), low, high, bca_low, bca_high)
