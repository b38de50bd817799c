"""How long scores take: the computation alone, and `saysel score` on files.

    OMP_NUM_THREADS=1 python benchmarks/metrics/speed.py
    OMP_NUM_THREADS=1 python benchmarks/metrics/speed.py --files 10000 80000 1000000
    OMP_NUM_THREADS=1 python benchmarks/metrics/speed.py --each

`--files` writes CSV files of so many rows, with confidences in tenths and with continuous ones, and
runs the command on each: seconds of processor time and peak memory. `--each` times single metrics.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import process_time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from saysel import registry
from saysel.interfaces import Metric, PredictionArrays
from saysel.scoring import score
from saysel.scoring.bootstrap import RESAMPLES

N = 10_000
#: Runs a command and prints its processor seconds and its peak memory in MB.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""


def seconds(columns: PredictionArrays, metrics: list[Metric]) -> float:
    start = process_time()
    score(columns, metrics)
    return process_time() - start


def made(n: int) -> dict[str, PredictionArrays]:
    """Calibrated predictions with both kinds of confidence."""
    rng = np.random.default_rng(0)
    continuous = rng.beta(3, 1.5, n)
    correct = (rng.random(n) < continuous).astype(float)
    return {
        "tenths": PredictionArrays(correct, continuous.round(1)),
        "continuous": PredictionArrays(correct, continuous),
    }


def command(columns: PredictionArrays, directory: Path) -> tuple[float, float]:
    """Processor seconds and peak memory in MB of `saysel score` on a CSV file."""
    file = directory / "predictions.csv"
    with file.open("w") as out:
        out.write("confidence,correct\n")
        for confidence, correct in zip(columns.confidence, columns.correct, strict=True):
            out.write(f"{confidence:.6g},{correct:.0f}\n")
    scoring = [sys.executable, "-m", "saysel", "score", str(file), "--out", str(directory / "out")]
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *scoring], check=True, capture_output=True, text=True
    )
    used, memory = map(float, done.stdout.split())
    return used, memory


def files(sizes: list[int]) -> None:
    print("| rows | tenths | continuous | ratio |\n|---|---|---|---|")
    for n in sizes:
        cells, times = [], []
        for columns in made(n).values():
            with tempfile.TemporaryDirectory() as directory:
                used, memory = command(columns, Path(directory))
            times.append(used)
            cells.append(f"{used:.1f} s, {memory:,.0f} MB")
        print(f"| {n:,} | {cells[0]} | {cells[1]} | {times[1] / times[0]:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, nargs="+", metavar="ROWS", default=[])
    parser.add_argument("--each", action="store_true")
    arguments = parser.parse_args()
    if arguments.files:
        files(arguments.files)
        return
    metrics = [registry.build("metric", name) for name in registry.names("metric")]
    print(f"{len(metrics)} metrics of {N:,} predictions, {RESAMPLES:,} resamples")
    kinds = made(N)
    score(kinds["tenths"].take(np.arange(100)), metrics)  # imports
    for name, columns in kinds.items():
        print(f"{name}: {min(seconds(columns, metrics) for _ in range(3)):.2f} s")
    for metric in metrics if arguments.each else []:
        print(f"  {metric.use}: {seconds(kinds['continuous'], [metric]):.2f} s")


if __name__ == "__main__":
    main()
