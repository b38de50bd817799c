"""The bootstrap over questions, or over clusters of questions that belong together.

Predictions that agree in everything a metric uses are drawn as one cell with a count: the same
bootstrap with less to add up.

Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 13.3; clusters: Field
& Welsh 2007, "Bootstrapping clustered data".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from saysel.interfaces import PredictionArrays

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.intp]
    Interval = tuple[float, float]

RESAMPLES = 2000
#: Share of the resamples below each end of a 95 % interval.
ENDS = (0.025, 0.975)
#: Weights computed at a time: they fit a processor's cache.
CHUNK = 100_000
#: With more cells than this, similar predictions are merged, see `cells`.
MOST_CELLS = 4_000
#: Merged graded correctness and token counts keep this many levels.
GRADES, LENGTHS = 20, 10
#: Values that are nearer to each other differ by rounding only.
SAME = 1e-12


def cells(columns: PredictionArrays) -> tuple[PredictionArrays, Codes]:
    """The distinct rows by ascending confidence, missing ones last, and each row's cell.

    More than `MOST_CELLS` distinct rows are merged into at most about that many, each with the
    means of its rows, so that the time for all resamples does not grow with the number of
    questions. Merged rows are neighbours in confidence and agree in correctness, unless that has
    more than `GRADES` values. The spread that is lost within a cell is far below the interval's
    own error; the values themselves are computed on all rows.
    """
    import numpy as np

    # Missing values are equal to each other; a missing confidence comes after 1.
    parts = [np.nan_to_num(columns.confidence, nan=2.0), columns.correct]
    if columns.tokens is not None:
        parts.append(np.nan_to_num(columns.tokens))
    order = np.lexsort(parts[::-1])
    new = np.zeros(len(order), dtype=bool)
    new[:1] = True
    for part in parts:
        ordered = part[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    if new.sum() > MOST_CELLS:
        return _merged(columns)
    cell = np.empty(len(order), dtype=np.intp)
    cell[order] = np.cumsum(new) - 1
    return columns.take(order[new]), cell


def _merged(columns: PredictionArrays) -> tuple[PredictionArrays, Codes]:
    import numpy as np

    grade = levels(columns.correct, GRADES) * 2 + (columns.correct >= 0.5)
    kinds = np.unique(grade, return_inverse=True)[1]
    if columns.tokens is not None:
        length = levels(columns.tokens, LENGTHS)
        kinds = kinds * (length.max(initial=0) + 1) + length
    kinds = np.unique(kinds, return_inverse=True)[1]
    number = kinds.max(initial=0) + 1
    confidence = levels(columns.confidence, max(100, MOST_CELLS // number))
    keys, cell = np.unique(confidence * number + kinds, return_inverse=True)
    count = np.bincount(cell)

    def mean(values: Array) -> Array:
        return np.bincount(cell, values, minlength=len(keys)) / count

    tokens = None if columns.tokens is None else mean(columns.tokens)
    return PredictionArrays(mean(columns.correct), mean(columns.confidence), tokens), cell


def levels(values: Array, most: int) -> Codes:
    """A level for each value, ascending; equal values share one, missing ones have the last.

    Each value has a level of its own unless there are more than `most`; then each level holds
    about the same number of rows.
    """
    import numpy as np

    distinct, level, count = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) <= most:
        return np.asarray(level, dtype=np.intp)
    missing = np.isnan(distinct)
    middle = np.cumsum(count) - count / 2
    coarse = np.where(missing, most, middle * most // max(1, count[~missing].sum()))
    return coarse.astype(np.intp)[level]


def resamples(cell: Codes, count: int, seed: int, cluster: Codes | None = None) -> Iterator[Array]:
    """How often each cell is drawn when as many questions, or clusters, are drawn as there are.

    Which ones are drawn depends on the seed and on their number alone: methods that are asked the
    same questions share their resamples.

    Args:
        cell: the cell of each question: [n].
        count: number of resamples.
        cluster: the cluster of each question, numbered from 0: [n]. All questions of a cluster
            are drawn together.

    Yields:
        [R, cells], `count` rows in all.
    """
    import numpy as np

    n, number = len(cell), int(cell.max(initial=-1)) + 1
    rng = np.random.default_rng(seed)
    if cluster is not None:
        groups = int(cluster.max(initial=-1)) + 1
        pairs, members = np.unique(cluster * number + cell, return_counts=True)
        pair_cluster, pair_cell = np.divmod(pairs, max(1, number))

    for rows in _chunks(count if n else 0, max(n, number)):
        if cluster is None:
            drawn = cell[rng.integers(n, size=(rows, n))]
            yield _counts(drawn, number).astype(np.float64)
        else:
            times = _counts(rng.integers(groups, size=(rows, groups)), groups)
            yield np.vstack(
                [np.bincount(pair_cell, row[pair_cluster] * members, number) for row in times]
            )


def _counts(drawn: npt.NDArray[np.int64], number: int) -> npt.NDArray[np.int64]:
    """How often each number below `number` is in each row: [R, n] to [R, number]."""
    import numpy as np

    rows = np.arange(len(drawn))[:, None] * number
    return np.bincount((drawn + rows).ravel(), minlength=len(drawn) * number).reshape(-1, number)


def cell_resamples(cell: Codes, count: int, seed: int) -> Iterator[Array]:
    """The bootstrap of `resamples` without clusters, in a time that depends on the cells alone.

    The number of times that each cell is drawn is multinomial. Which questions these are is not
    known, so two methods cannot be paired.
    """
    import numpy as np

    shares = np.bincount(cell) / max(1, len(cell))
    rng = np.random.default_rng(seed)
    for rows in _chunks(count if len(cell) else 0, len(shares)):
        yield rng.multinomial(len(cell), shares, size=rows).astype(np.float64)


def _chunks(count: int, cells: int) -> Iterator[int]:
    """How many resamples to compute at a time."""
    size = max(1, CHUNK // max(cells, 1))
    for start in range(0, count, size):
        yield min(size, count - start)


def percentile(draws: Array) -> Interval | None:
    """The 95 % percentile interval.

    Resamples where the metric is not defined (NaN) are left out; `None` where more than half are.
    """
    import numpy as np

    defined = draws[np.isfinite(draws)]
    if not len(defined) or len(defined) < len(draws) / 2:
        return None
    low, high = np.quantile(defined, ENDS)
    return float(low), float(high)
