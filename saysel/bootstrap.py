"""The bootstrap over questions: what is drawn, and the intervals that come of it.

Predictions that are equal in everything a metric sees are drawn as one cell with a count, which is
the same bootstrap with less to add up.

Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", sections 13.3 and 14.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist
from typing import TYPE_CHECKING

from saysel.interfaces import Columns

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Interval = tuple[float, float]

RESAMPLES = 2000
#: Share of the resamples below each end of a 95 % interval.
ENDS = (0.025, 0.975)
#: Numbers that are worked on at a time: they fit a processor's cache.
CHUNK = 100_000
#: So many parts are left out in turn where there are more cells than that.
JACKKNIFE = 200
#: Values that are nearer to each other differ by rounding only.
SAME = 1e-12


def cells(columns: Columns) -> tuple[Columns, npt.NDArray[np.intp]]:
    """Equal rows made one: the distinct rows, by ascending confidence, and each row's cell."""
    import numpy as np

    # What is missing is equal to what else is missing; a missing confidence comes after 1.
    parts = [np.nan_to_num(columns.confidence, nan=2.0), columns.correct]
    if columns.tokens is not None:
        parts.append(np.nan_to_num(columns.tokens))
    order = np.lexsort(parts[::-1])
    new = np.zeros(len(order), dtype=bool)
    new[:1] = True
    for part in parts:
        ordered = part[order]
        new[1:] |= ordered[1:] != ordered[:-1]
    cell = np.empty(len(order), dtype=np.intp)
    cell[order] = np.cumsum(new) - 1
    return columns.take(order[new]), cell


def resamples(cell: npt.NDArray[np.intp], count: int, seed: int) -> Iterator[Array]:
    """How often each cell is drawn when as many questions are drawn as there are: [R, cells].

    `count` resamples in all, some at a time. Which questions are drawn hangs on the seed and on
    their number alone: metrics share their resamples, and so do methods asked the same questions.
    """
    import numpy as np

    n, many = len(cell), int(cell.max(initial=-1)) + 1
    size = max(1, CHUNK // max(many, 1))
    rng = np.random.default_rng(seed)
    for start in range(0, count if n else 0, size):
        rows = min(size, count - start)
        yield np.vstack(
            [np.bincount(cell[rng.integers(n, size=n)], minlength=many) for _ in range(rows)]
        ).astype(np.float64)


def jackknife(cell: npt.NDArray[np.intp]) -> tuple[Array, Array]:
    """What is left when one question is left out: [J, cells], and how often that happens: [J].

    With more than `JACKKNIFE` different cells, not single questions but so many groups of them
    are left out, every 200th question in one group. The acceleration stays what it is: groups are
    less skewed, and fewer.
    """
    import numpy as np

    many = int(cell.max(initial=-1)) + 1
    counts = np.bincount(cell, minlength=many).astype(np.float64)
    if many <= JACKKNIFE:
        return counts - np.eye(many), counts
    group = np.arange(len(cell)) % JACKKNIFE
    left_out = np.bincount(group * many + cell, minlength=JACKKNIFE * many)
    return counts - left_out.reshape(JACKKNIFE, many), np.ones(JACKKNIFE)


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


def bca(value: float, draws: Array, left: Array, times: Array) -> Interval | None:
    """The 95 % interval that is corrected for bias and acceleration.

    Args:
        value: on all questions.
        draws: on the resamples.
        left, times: on what the jackknife leaves, and how often.

    Returns:
        `None` where there is no percentile interval either, or where all resamples lie on one
        side of the value, so that the bias cannot be told.
    """
    import numpy as np

    if percentile(draws) is None:
        return None
    defined = draws[np.isfinite(draws)]
    equal = abs(defined - value) < SAME
    below = float((equal / 2 + (~equal & (defined < value))).mean())
    if not 0 < below < 1:
        return None
    kept = np.isfinite(left)
    left, times = left[kept], times[kept]
    away = np.average(left, weights=times) - left if len(left) else left
    spread = float(times @ away**2)
    acceleration = float(times @ away**3) / (6 * spread**1.5) if spread > SAME**2 else 0.0
    normal = NormalDist()
    bias = normal.inv_cdf(below)
    shares = []
    for end in ENDS:
        moved = bias + normal.inv_cdf(end)
        shares.append(normal.cdf(bias + moved / max(1 - acceleration * moved, 1e-9)))
    low, high = np.quantile(defined, shares)
    return float(low), float(high)
