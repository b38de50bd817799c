from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from saysel.metrics.smooth_ece import NARROWEST, SmoothEce


def integral(confidence: np.ndarray, gaps: np.ndarray, bandwidth: float) -> float:
    """The definition, with the kernel's mirror images one by one, on a fine grid."""
    t = (np.arange(20_000) + 0.5) / 20_000
    height = np.zeros_like(t)
    for c, gap in zip(confidence, gaps, strict=True):
        for image in (c, -c, 2 - c, 2 + c, c - 2, 4 - c):
            height += gap * np.exp(-(((t - image) / bandwidth) ** 2) / 2)
    return float(abs(height).mean() / (bandwidth * math.sqrt(2 * math.pi) * len(gaps)))


@pytest.mark.parametrize("grain", [10, 100, 100_000])
def test_is_the_fixed_point_of_the_definition(make_columns, grain):
    rng = np.random.default_rng(grain)
    confidence = rng.integers(0, grain + 1, 60) / grain
    correct = (rng.random(60) < 0.3 + 0.4 * confidence).astype(float)
    expected = brentq(lambda s: integral(confidence, confidence - correct, s) - s, 0.01, 1)
    value = SmoothEce().compute(make_columns(confidence.tolist(), correct.tolist()))
    assert value == pytest.approx(expected, abs=1e-5)


def test_one_level_is_its_gap_smoothed_over_itself(make_columns):
    value = SmoothEce().compute(make_columns([0.75] * 4, [1, 0, 1, 0]))
    assert value == pytest.approx(0.25, abs=1e-9)


def test_the_fixed_point_is_not_sought_below_the_grid(make_columns):
    # Two gaps of half the narrowest kernel, far apart: they do not meet, and cancel nowhere.
    value = SmoothEce().compute(make_columns([0.001, 0.999], [0, 1]))
    assert value == pytest.approx(0.001, rel=1e-4) and value < NARROWEST
    assert SmoothEce().compute(make_columns([0, 1, 1], [0, 1, 1])) == 0


def test_leaves_out_unstated_confidences(make_columns):
    assert SmoothEce().compute(make_columns([0.75, None], [0, 1])) == pytest.approx(0.75)
    assert math.isnan(SmoothEce().compute(make_columns([None], [1])))
