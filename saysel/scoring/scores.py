"""Predictions to scores: each metric's value with its 95 % interval.

Shares have Wilson's interval (`shares`), metrics to which sampling noise only adds that of
`chance`, all others the percentile interval of the bootstrap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from saysel.errors import DataError
from saysel.interfaces import Metric, PredictionArrays
from saysel.records import Prediction, Question, Score
from saysel.scoring.bootstrap import RESAMPLES, SAME, cell_resamples, cells, percentile
from saysel.scoring.bootstrap import resamples as cluster_resamples
from saysel.scoring.chance import DRAWS, judge_by_chance
from saysel.scoring.resampling import Share
from saysel.scoring.shares import share_interval

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def columns(
    predictions: Sequence[Prediction], clusters: Mapping[str, str] | None = None
) -> PredictionArrays:
    """Judged predictions as arrays, in order; those with `correct=None` are left out.

    Args:
        clusters: the cluster of each question by its id, where questions belong together.

    Raises:
        DataError: a confidence or a correctness is not a number in [0, 1], or a question has no
            cluster while others have. A confidence that could not be read has to be `None`.
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
    # No answer takes 0 tokens: they were not counted.
    tokens = np.array([prediction.tokens or np.nan for prediction in judged], dtype=np.float64)
    return PredictionArrays(
        correct=np.array([prediction.correct for prediction in judged], dtype=np.float64),
        confidence=np.array(
            [np.nan if p.confidence is None else p.confidence for p in judged], dtype=np.float64
        ),
        tokens=tokens if np.isfinite(tokens).any() else None,
        cluster=cluster_codes([prediction.question_id for prediction in judged], clusters),
    )


def cluster_codes(
    ids: Sequence[str], clusters: Mapping[str, str] | None
) -> npt.NDArray[np.intp] | None:
    """The cluster of each question as a number from 0; `None` without clusters.

    Raises:
        DataError: a question is in no cluster.
    """
    import numpy as np

    if not clusters:
        return None
    number: dict[str, int] = {}
    found = np.empty(len(ids), dtype=np.intp)
    for i, id in enumerate(ids):
        if id not in clusters:
            raise DataError(
                f"question '{id}' is in no cluster, others are: give every question its cluster"
            )
        found[i] = number.setdefault(clusters[id], len(number))
    return found


def clusters_of(questions: Iterable[Question], key: str | None) -> dict[str, str]:
    """The cluster of each question by id, from an entry of its `meta`; empty without a key.

    Raises:
        DataError: a question has no such entry.
    """
    if key is None:
        return {}
    found = {}
    for question in questions:
        if question.meta.get(key) is None:
            there = ", ".join(question.meta) or "nothing"
            raise DataError(
                f"evaluate.cluster: question '{question.id}' has no '{key}' in its meta, which "
                f"has {there}"
            )
        found[question.id] = str(question.meta[key])
    return found


def label(metric: Metric) -> str:
    """The name a score goes by: the metric's, with the options that differ from the default.

    `ece`, or `ece(bins=15)`: two variants of one metric stay apart, and each says which it is.
    """
    options = metric.model_dump(mode="json", exclude_defaults=True, exclude={"use"})
    name = metric.use or type(metric).__name__
    return f"{name}({', '.join(f'{k}={v}' for k, v in options.items())})" if options else name


def score(
    columns: PredictionArrays, metrics: Sequence[Metric], resamples: int = RESAMPLES, seed: int = 0
) -> list[Score]:
    """Each metric's value and 95 % interval.

    Args:
        columns: judged predictions of one row of the report.
        metrics: what to compute; the scores come in the same order.
        resamples: bootstrap samples of the questions, or of their clusters, the same for every
            metric.
        seed: for everything random.

    Returns:
        One score per metric. A value that is not finite becomes `None` and has no interval. A
        count of things has none either: it describes these predictions and no others.
    """
    import numpy as np

    biased = [metric for metric in metrics if metric.zero_if]
    chances = iter(judge_by_chance(biased, columns, min(resamples, DRAWS), seed))
    drawn = [metric for metric in metrics if not _has_own_interval(metric)]
    draws = iter(_draws(drawn, columns, resamples, seed))
    scores = []
    for metric in metrics:
        value, name = metric.compute(columns), label(metric)
        chance = next(chances) if metric.zero_if else None
        draw = None if _has_own_interval(metric) else next(draws)
        if not np.isfinite(value):
            scores.append(Score(name, None, None, None))
        elif chance is not None:
            scores.append(Score(name, float(value), **vars(chance)))
        elif isinstance(metric, Share):
            scores.append(share_score(name, metric.each(columns), columns.cluster))
        else:
            low, high = (None, None) if draw is None else percentile(draw) or (None, None)
            scores.append(Score(name, float(value), low, high))
    return scores


def _has_own_interval(metric: Metric) -> bool:
    return bool(metric.zero_if) or metric.counts or isinstance(metric, Share)


def share_score(
    name: str, values: npt.NDArray[np.float64], cluster: npt.NDArray[np.intp] | None = None
) -> Score:
    """The mean of numbers in [0, 1] with its interval, see `saysel.scoring.shares`."""
    low, high = share_interval(values, cluster) or (None, None)
    return Score(name, float(values.mean()) if len(values) else None, low, high)


def _draws(
    metrics: Sequence[Metric], columns: PredictionArrays, count: int, seed: int
) -> npt.NDArray[np.float64]:
    """Each metric on each bootstrap resample: [metrics, count]."""
    import numpy as np

    if not metrics:
        return np.empty((0, count))
    rows, cell = cells(columns)
    if columns.cluster is None:
        weights = cell_resamples(cell, count, seed)
    else:
        weights = cluster_resamples(cell, count, seed, columns.cluster)
    return resampled(metrics, columns, rows, cell, weights).T


def resampled(
    metrics: Sequence[Metric],
    columns: PredictionArrays,
    rows: PredictionArrays,
    cell: npt.NDArray[np.intp],
    weights: Iterable[npt.NDArray[np.float64]],
) -> npt.NDArray[np.float64]:
    """Each metric on each resample: [R, metrics], no rows without questions.

    Args:
        columns: the questions.
        rows, cell: what `saysel.scoring.bootstrap.cells` makes of them.
        weights: how often each cell is drawn: some [R, cells] at a time.
    """
    import numpy as np

    drawn = [np.column_stack([metric.resampled(rows, w) for metric in metrics]) for w in weights]
    found = np.vstack([np.empty((0, len(metrics))), *drawn])
    # Where cells were merged, the value on them is not exactly that on all questions.
    count = np.bincount(cell, minlength=len(rows))[None].astype(np.float64)
    moved = np.array(
        [metric.compute(columns) - metric.resampled(rows, count)[0] for metric in metrics]
    )
    return found + np.where(abs(moved) > SAME, moved, 0)
