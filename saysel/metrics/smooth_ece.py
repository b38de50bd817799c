"""Smooth ECE: calibration error without bins."""

from __future__ import annotations

from functools import cache
from math import ceil
from typing import TYPE_CHECKING, ClassVar, Literal

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import Levels, Weighted, ratio, stated

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

#: Intervals of the grid on [0, 1]; tenths and percent lie on it.
GRID = 500
#: The narrowest kernel, one interval of the grid.
NARROWEST = 1 / GRID
#: Where the search for the bandwidth ends.
TOLERANCE = 1e-10


class SmoothEce(Weighted):
    """Smooth expected calibration error: gaps smoothed by a kernel, at their own bandwidth.

    Formula: at bandwidth s, the integral over t in [0, 1] of |mean K_s(t, c) (c - y)|, K_s the
    Gaussian of standard deviation s reflected at 0 and 1; it falls as s grows, and the value is
    the s at which it equals s. Range [0, 1], lower is better.

    As computed: c - y is divided linearly between the two nearest of 501 grid points, the
    integral is the trapezoid rule on them, and the fixed point is found to 1e-10. Where it lies
    below 0.002, the value is the integral at 0.002 instead.

    Source: Błasiok & Nakkiran 2023 (arXiv 2309.12236). Their package relplot halves its search
    for the bandwidth ten times and returns the integral there, which differs by a few thousandths
    of the value; and it counts confidences of exactly 0 and 1 half, which differs by more.
    Can't see: whether confidence tells right answers from wrong ones (always stating the base
    rate scores 0). Biased upward for small n, less than binned ECE.
    Missing confidences: only questions with a stated confidence count, so read it beside the
    parse rate. Not defined (NaN) without any.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    zero_if: ClassVar[Literal["calibrated", "uninformative"] | None] = "calibrated"

    def resampled(self, predictions: PredictionArrays, weights: Array) -> Array:
        import numpy as np

        rows, weights = stated(predictions, weights)
        total = weights.sum(axis=1)
        gaps = on_grid(rows.confidence, weights * (rows.confidence - rows.correct))
        gaps = np.nan_to_num(ratio(gaps, total[:, None]))
        return np.where(total > 0, fixed_point(gaps), np.nan)


def on_grid(place: Array, mass: Array) -> Array:
    """[R, n] masses at n places in [0, 1], divided between grid points: [R, GRID + 1]."""
    import numpy as np

    scaled = place * GRID
    # 0.29 * 500 is not quite 145: what is within rounding of a point lies on it.
    scaled = np.where(abs(scaled - np.rint(scaled)) < 1e-9, np.rint(scaled), scaled)
    below = np.minimum(np.floor(scaled), GRID - 1)
    part = scaled - below
    levels = Levels(below)
    point = levels.keys.astype(np.intp)
    grid = np.zeros((len(mass), GRID + 1))
    if len(point):
        upper = levels.sums(mass * part)
        grid[:, point] += levels.sums(mass) - upper
        grid[:, point + 1] += upper
    return grid


def fixed_point(gaps: Array) -> Array:
    """The bandwidth that equals the integral at it, for each resample: [R, GRID + 1] to [R].

    Newton's method, kept between bounds that move in.
    """
    import numpy as np

    waves = gaps @ cosines()
    # At any bandwidth the integral lies between the absolute mean gap and the mean absolute one.
    low = np.maximum(abs(gaps.sum(axis=1)), NARROWEST)
    high = np.maximum(abs(gaps).sum(axis=1), low)
    integral, slope = smoothed(waves, low)
    found = np.where(integral <= low, integral, low)
    active = np.flatnonzero(integral - low > TOLERANCE)
    guess, rest, slope = low[active], (integral - low)[active], slope[active]
    while len(active):
        step = guess + rest / (1 - slope)
        inside = (step > low[active]) & (step < high[active])
        guess = np.where(inside, step, (low[active] + high[active]) / 2)
        integral, slope = smoothed(waves[active], guess)
        rest = integral - guess
        found[active] = guess
        low[active] = np.where(rest > 0, guess, low[active])
        high[active] = np.where(rest > 0, high[active], guess)
        on = (abs(rest) > TOLERANCE) & (high[active] - low[active] > TOLERANCE)
        active, guess, rest, slope = active[on], guess[on], rest[on], slope[on]
    return found


def smoothed(waves: Array, bandwidth: Array) -> tuple[Array, Array]:
    """The integral of the absolute smoothed gaps at each resample's bandwidth, and its slope.

    The reflected Gaussian kernel multiplies the k-th cosine wave by exp(-(pi k s)^2 / 2).

    Args:
        waves: [R, GRID + 1], the gaps' sums against cos(pi k c).
        bandwidth: [R].
    """
    import numpy as np

    # Waves beyond these are damped to less than 1e-13.
    many = min(GRID, ceil(7.8 / (np.pi * bandwidth.min()))) + 1
    rate = (np.pi * np.arange(many)) ** 2
    damped = waves[:, :many] * np.exp(-rate * bandwidth[:, None] ** 2 / 2)
    damped[:, 1:] *= 2
    shape = cosines()[:many]
    height = damped @ shape
    area = np.sign(height)
    area[:, [0, -1]] /= 2  # the trapezoid rule
    slope = np.einsum("rt,rt->r", area, (damped * -rate) @ shape) * bandwidth
    return np.einsum("rt,rt->r", area, height) / GRID, slope / GRID


@cache
def cosines() -> Array:
    """cos(pi k t) for every wave k and grid point t; symmetric."""
    import numpy as np

    k = np.arange(GRID + 1)
    waves: Array = np.cos(np.pi / GRID * (np.outer(k, k) % (2 * GRID)))
    return waves
