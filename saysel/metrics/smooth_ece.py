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

#: Intervals of the grid on [0, 1]; tenths and percentages are grid points.
GRID = 500
#: The narrowest kernel, one interval of the grid.
NARROWEST = 1 / GRID
#: Accuracy of the bandwidth.
TOLERANCE = 1e-10


class SmoothEce(Weighted):
    """Smooth expected calibration error: kernel-smoothed gaps, without bins.

    Formula: at bandwidth s, the integral over t in [0, 1] of |mean K_s(t, c) (c - y)|, with the
    Gaussian kernel K_s of standard deviation s, reflected at 0 and 1. The integral decreases as s
    grows; the value is the s that equals its integral. Range [0, 1], lower is better.

    Computation: c - y is divided linearly between the two nearest of 501 grid points, the integral
    uses the trapezoid rule on them, and the fixed point is accurate to 1e-10. If it is below
    0.002, the value is the integral at 0.002 instead.

    Source: Błasiok & Nakkiran 2023 (arXiv 2309.12236). Their package relplot finds the bandwidth
    by ten bisections and returns the integral there, a relative difference of a few thousandths;
    and it gives confidences of exactly 0 and 1 half their weight, a larger difference.
    Blind to: whether confidence separates correct answers from wrong ones (always stating the
    base rate scores 0). Biased upward for small n, but less than binned ECE.
    Missing confidences: ignored, so report the parse rate with it. Undefined (NaN) without any
    stated confidence.
    """

    better: ClassVar[Literal["higher", "lower", "neither"]] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0, 1)
    zero_if: ClassVar[Literal["calibrated", "uninformative"] | None] = "calibrated"

    def resampled(self, predictions: PredictionArrays, weights: Array) -> Array:
        import numpy as np

        rows, weights = stated(predictions, weights)
        total = weights.sum(axis=1)
        gaps = on_grid(rows.confidence, weights * (rows.confidence - rows.correct))
        gaps = np.nan_to_num(ratio(gaps, total[:, None]))
        return np.where(total > 0, fixed_point(gaps), np.nan)


def on_grid(position: Array, mass: Array) -> Array:
    """[R, n] masses at n positions in [0, 1], divided between grid points: [R, GRID + 1]."""
    import numpy as np

    scaled = position * GRID
    # 0.29 * 500 is not quite 145: values within rounding error of a grid point are that point.
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

    Newton's method within shrinking bounds.
    """
    import numpy as np

    waves = gaps @ cosines()
    # The integral is between the absolute mean gap and the mean absolute gap at any bandwidth.
    low = np.maximum(abs(gaps.sum(axis=1)), NARROWEST)
    high = np.maximum(abs(gaps).sum(axis=1), low)
    integral, slope = smoothed(waves, low)
    bandwidth = np.where(integral <= low, integral, low)
    active = np.flatnonzero(integral - low > TOLERANCE)
    guess, excess, slope = low[active], (integral - low)[active], slope[active]
    while len(active):
        step = guess + excess / (1 - slope)
        inside = (step > low[active]) & (step < high[active])
        guess = np.where(inside, step, (low[active] + high[active]) / 2)
        integral, slope = smoothed(waves[active], guess)
        excess = integral - guess
        bandwidth[active] = guess
        low[active] = np.where(excess > 0, guess, low[active])
        high[active] = np.where(excess > 0, high[active], guess)
        remaining = (abs(excess) > TOLERANCE) & (high[active] - low[active] > TOLERANCE)
        active, guess = active[remaining], guess[remaining]
        excess, slope = excess[remaining], slope[remaining]
    return bandwidth


def smoothed(waves: Array, bandwidth: Array) -> tuple[Array, Array]:
    """The integral of the absolute smoothed gaps at each resample's bandwidth, and its slope.

    The reflected Gaussian kernel multiplies the k-th cosine wave by exp(-(pi k s)^2 / 2).

    Args:
        waves: [R, GRID + 1], the gaps' sums against cos(pi k c).
        bandwidth: [R].
    """
    import numpy as np

    # Higher waves are damped to less than 1e-13.
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
