"""How long the scores of 10,000 predictions take, all metrics with both intervals, on one core.

OMP_NUM_THREADS=1 python benchmarks/metrics/speed.py
"""

from __future__ import annotations

import os
import sys
from time import perf_counter

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from saysel import registry
from saysel.bootstrap import RESAMPLES
from saysel.interfaces import Columns, Metric
from saysel.scores import score

N = 10_000


def seconds(columns: Columns, metrics: list[Metric]) -> float:
    start = perf_counter()
    score(columns, metrics)
    return perf_counter() - start


def main() -> None:
    metrics = [registry.build("metric", name) for name in registry.names("metric")]
    rng = np.random.default_rng(0)
    continuous = rng.beta(3, 1.5, N)
    correct = (rng.random(N) < continuous).astype(float)
    tokens = rng.integers(20, 90, N).astype(float)
    stated = np.round(continuous, 1)
    print(f"{len(metrics)} metrics of {N:,} predictions, {RESAMPLES:,} resamples")
    score(Columns(correct[:100], continuous[:100], tokens[:100]), metrics)  # imports
    for name, columns in {
        "every confidence another": Columns(correct, continuous, tokens),
        "confidences in tenths, tokens counted": Columns(correct, stated, tokens),
        "confidences in tenths": Columns(correct, stated),
    }.items():
        print(f"{name}: {min(seconds(columns, metrics) for _ in range(3)):.2f} s")
    if "--each" in sys.argv:
        for metric in metrics:
            took = seconds(Columns(correct, continuous, tokens), [metric])
            print(f"  {metric.use}: {took:.2f} s")


if __name__ == "__main__":
    main()
