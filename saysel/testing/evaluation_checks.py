"""Checks of metrics and engines."""

from __future__ import annotations

import math

from saysel.interfaces import Engine, Metric, PredictionArrays
from saysel.testing.expectations import check_options, expect, expect_raises


def check_metric(metric: Metric) -> None:
    """A float that does not depend on the order of the predictions; NaN where it is undefined.

    It is within the bounds, and `resampled` agrees with `compute`.
    """
    import numpy as np

    check_options(metric)
    better = metric.better
    expect(better in ("higher", "lower", "neither"), f"better cannot be {better!r}")
    rng = np.random.default_rng(0)
    confidence = rng.integers(0, 11, 200) / 10
    confidence[:20] = np.nan
    tokens = rng.integers(5, 50, 200).astype(float)
    predictions = PredictionArrays((rng.random(200) < 0.6).astype(float), confidence, tokens)
    for part in (
        predictions,
        predictions.stated(),
        predictions.take(np.arange(1)),
        PredictionArrays(np.zeros(3), np.full(3, np.nan)),
    ):
        value = metric.compute(part)
        expect(isinstance(value, float), f"compute must return a float, got {value!r}")
    value = metric.compute(predictions)
    shuffled = metric.compute(predictions.take(rng.permutation(200)))
    expect(math.isfinite(value), f"200 ordinary predictions give {value}")
    least, most = metric.bounds
    expect(least <= value <= most, f"{value} is outside the bounds, {least} to {most}")
    expect(
        math.isclose(value, shuffled, rel_tol=1e-9, abs_tol=1e-12),
        f"the same predictions in another order give {shuffled} instead of {value}",
    )
    rows = rng.integers(200, size=200)
    weights = np.bincount(rows, minlength=200)[None].astype(float)
    computed = metric.compute(predictions.take(rows))
    resampled = metric.resampled(predictions, weights)
    expect(np.shape(resampled) == (1,), f"1 resample gave an array of shape {np.shape(resampled)}")
    expect(
        bool(np.allclose(resampled, computed, rtol=1e-9, atol=1e-12, equal_nan=True)),
        f"resampled gives {resampled[0]} where compute gives {computed} for the same rows",
    )


def check_engine(engine: Engine) -> None:
    """Results come in the order of the shards, and errors of shards are raised."""
    check_options(engine)
    expect(list(engine.map(abs, [])) == [], "no shards must give no results")
    results = list(engine.map(abs, iter([-3, 1, -2])))
    expect(results == [3, 1, 2], f"abs of -3, 1, -2 gave {results}")
    expect_raises(
        ValueError, lambda: list(engine.map(math.sqrt, [1.0, -1.0])), "a shard that fails"
    )
