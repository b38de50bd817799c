"""The bootstrap over questions, or over clusters of questions that belong together.

Predictions that agree in everything a metric uses are one row with a weight: the same bootstrap
with fewer numbers to add up.

Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3; clusters: Field
& Welsh 2007, "Bootstrapping clustered data"; few clusters: Hesterberg 2015, "What teachers should
know about the bootstrap", section 5.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import sqrt
from typing import TYPE_CHECKING

from saysel.interfaces import PredictionArrays

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.intp]
    Interval = tuple[float, float]

RESAMPLES = 2000
#: The ends of a 95 % interval, as quantiles of the resamples.
INTERVAL_QUANTILES = (0.025, 0.975)
#: Weights computed at a time; they fit into a processor's cache.
WEIGHTS_PER_CHUNK = 100_000
#: With more distinct rows than this, similar ones are merged.
MAX_ROWS = 4_000
#: Levels of graded correctness and of token counts that merged rows keep apart.
MAX_GRADES, MAX_LENGTHS = 20, 10
#: Differences up to this are rounding errors.
TOLERANCE = 1e-12


def distinct_rows(columns: PredictionArrays) -> tuple[PredictionArrays, Codes]:
    """The distinct rows by ascending confidence, missing ones last, and the row of each question.

    More than `MAX_ROWS` distinct rows are merged into at most about that many, each with the
    means of its members, so that the time for all resamples does not grow with the number of
    questions. Merged rows are neighbours in confidence and agree in correctness, unless that has
    more than `MAX_GRADES` values. The spread lost within a merged row is far below the error of
    the interval itself; the values themselves are computed on all questions.
    """
    import numpy as np

    # Missing values are equal to each other; a missing confidence comes after 1.
    parts = [np.nan_to_num(columns.confidence, nan=2.0), columns.correct]
    if columns.tokens is not None:
        parts.append(np.nan_to_num(columns.tokens))
    if columns.declined is not None:
        parts.append(columns.declined.astype(np.float64))
    order = np.lexsort(parts[::-1])
    new = np.zeros(len(order), dtype=bool)
    new[:1] = True
    for part in parts:
        ordered = part[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    if new.sum() > MAX_ROWS:
        return _merged_rows(columns)
    row_of = np.empty(len(order), dtype=np.intp)
    row_of[order] = np.cumsum(new) - 1
    return columns.take(order[new]), row_of


def _merged_rows(columns: PredictionArrays) -> tuple[PredictionArrays, Codes]:
    import numpy as np

    grade = levels(columns.correct, MAX_GRADES) * 2 + (columns.correct >= 0.5)
    kind = np.unique(grade, return_inverse=True)[1]
    if columns.tokens is not None:
        length = levels(columns.tokens, MAX_LENGTHS)
        kind = kind * (length.max(initial=0) + 1) + length
    if columns.declined is not None:
        kind = kind * 2 + columns.declined
    kind = np.unique(kind, return_inverse=True)[1]
    kinds = kind.max(initial=0) + 1
    confidence = levels(columns.confidence, max(100, MAX_ROWS // kinds))
    keys, row_of = np.unique(confidence * kinds + kind, return_inverse=True)
    count = np.bincount(row_of)

    def mean(values: Array) -> Array:
        return np.bincount(row_of, values, minlength=len(keys)) / count

    tokens = None if columns.tokens is None else mean(columns.tokens)
    declined = None if columns.declined is None else mean(columns.declined.astype(np.float64))
    rows = PredictionArrays(
        mean(columns.correct), mean(columns.confidence), tokens, declined=declined
    )
    return rows, row_of


def levels(values: Array, max_levels: int) -> Codes:
    """A level for each value, ascending; equal values share one, missing ones have the last.

    Each value has a separate level unless there are more than `max_levels`; then each level
    contains about the same number of values.
    """
    import numpy as np

    distinct, level, count = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) <= max_levels:
        return np.asarray(level, dtype=np.intp)
    missing = np.isnan(distinct)
    middle = np.cumsum(count) - count / 2
    coarse = np.where(missing, max_levels, middle * max_levels // max(1, count[~missing].sum()))
    return coarse.astype(np.intp)[level]


def question_resamples(
    row_of: Codes,
    count: int,
    seed: int,
    cluster: Codes | None = None,
    clusters: int | None = None,
) -> Iterator[Array]:
    """Weights of the rows when as many questions, or clusters, are drawn as there are.

    Which ones are drawn depends only on the seed and on their number, so methods that answered the
    same questions share their resamples.

    Args:
        row_of: the distinct row of each question: [n].
        count: number of resamples.
        cluster: the cluster of each question, numbered from 0: [n]. All questions of a cluster
            are drawn together.
        clusters: how many clusters to draw from, if some may have no question here; by default
            the highest number plus 1.

    Yields:
        How often each distinct row is drawn: [R, rows]. All R add up to `count`.
    """
    import numpy as np

    n, rows = len(row_of), int(row_of.max(initial=-1)) + 1
    rng = np.random.default_rng(seed)
    if cluster is not None:
        units = clusters or int(cluster.max(initial=-1)) + 1
        pairs, members = np.unique(cluster * rows + row_of, return_counts=True)
        pair_cluster, pair_row = np.divmod(pairs, max(1, rows))

    if cluster is None:
        # Fewer resamples are drawn at a time than metrics are computed on, to save memory.
        for size in _chunks(count if n else 0, rows):
            yield np.vstack(
                [
                    _counts(row_of[rng.integers(n, size=(some, n))], rows).astype(np.float64)
                    for some in _chunks(size, n)
                ]
            )
        return
    for size in _chunks(count if n else 0, max(units, rows)):
        times = _counts(rng.integers(units, size=(size, units)), units)
        yield np.vstack(
            [np.bincount(pair_row, drawn[pair_cluster] * members, rows) for drawn in times]
        )


def _counts(drawn: npt.NDArray[np.int64], rows: int) -> npt.NDArray[np.int64]:
    """How often each number below `rows` was drawn in each resample: [R, n] to [R, rows]."""
    import numpy as np

    offset = np.arange(len(drawn))[:, None] * rows
    return np.bincount((drawn + offset).ravel(), minlength=len(drawn) * rows).reshape(-1, rows)


def multinomial_resamples(row_of: Codes, count: int, seed: int) -> Iterator[Array]:
    """The bootstrap of `question_resamples` without clusters, in a time independent of n.

    How often each row is drawn is multinomial. Which questions these are is not known, so two
    methods cannot be paired.
    """
    import numpy as np

    shares = np.bincount(row_of) / max(1, len(row_of))
    rng = np.random.default_rng(seed)
    for size in _chunks(count if len(row_of) else 0, len(shares)):
        yield rng.multinomial(len(row_of), shares, size=size).astype(np.float64)


def _chunks(count: int, weights: int) -> Iterator[int]:
    """How many resamples to compute at a time, of so many weights each."""
    size = max(1, WEIGHTS_PER_CHUNK // max(weights, 1))
    for start in range(0, count, size):
        yield min(size, count - start)


def cluster_count(cluster: Codes | None, n: int) -> int | None:
    """How many clusters n questions belong to; `None` if they are independent.

    A single question is one cluster: there is nothing to resample either.
    """
    import numpy as np

    if n == 1:
        return 1
    return None if cluster is None else len(np.unique(cluster))


def fewest(counts: Iterable[int | None]) -> int | None:
    """The smallest number of clusters; `None` if all questions are independent."""
    return min((count for count in counts if count is not None), default=None)


def percentile_interval(draws: Array, clusters: int | None = None) -> Interval | None:
    """The 95 % percentile interval.

    Resamples where the metric is not defined (NaN) are left out; `None` if more than half are.

    Args:
        clusters: how many clusters were resampled; `None` for independent questions. Resamples of
            few clusters vary too little, so the interval extends to more extreme quantiles, as
            that of Student's distribution does. A single cluster does not vary: `None`.
    """
    import numpy as np

    defined = draws[np.isfinite(draws)]
    if not len(defined) or len(defined) < len(draws) / 2 or clusters == 1:
        return None
    low, high = np.quantile(defined, _quantiles(clusters))
    return float(low), float(high)


def _quantiles(clusters: int | None) -> tuple[float, float]:
    """The ends of a 95 % interval, as quantiles of the resamples."""
    if clusters is None:
        return INTERVAL_QUANTILES

    from scipy.special import ndtr, stdtrit

    low, _ = INTERVAL_QUANTILES
    tail = float(ndtr(sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, low)))
    return tail, 1 - tail


def two_sided_p(share: float, units: int, clusters: int | None = None) -> float:
    """The two-sided p-value of a difference.

    If all questions or clusters agree in their sign, so do all resamples, however few they are. By
    chance, n of them agree with a probability of 2^(1 - n), so no p-value is below that.

    Args:
        share: of the resamples on the other side of 0.
        units: how many questions or clusters were resampled; those that several seeds share count
            once.
        clusters: see `percentile_interval`, to which the p-value corresponds.
    """
    from scipy.special import ndtri, stdtr

    if clusters is not None and clusters > 1:
        share = float(stdtr(clusters - 1, ndtri(share) * sqrt((clusters - 1) / clusters)))
    return min(1.0, max(2 * share, 2.0 ** (1 - units)))
