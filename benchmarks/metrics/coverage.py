"""How often the 95 % intervals of all metrics hold the true value, by simulation.

    OMP_NUM_THREADS=1 python benchmarks/metrics/coverage.py --jobs 2

Forecasters of known calibration answer n questions, again and again; the true value of a metric is
its value on a million answers whose correctness is the probability itself, or drawn where the
metric needs right and wrong answers. Writes `coverage.csv` and `coverage.md` next to this file.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Callable
from functools import partial
from multiprocessing import Pool
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt

from saysel import registry
from saysel.interfaces import Metric, PredictionArrays
from saysel.recipes.evaluate import METRICS
from saysel.scoring import label, score

Array = npt.NDArray[np.float64]

HERE = Path(__file__).parent
#: Probability of a correct answer by stated confidence.
FORECASTERS: dict[str, Callable[[Array], Array]] = {
    "calibrated": lambda c: c,
    "mildly off": lambda c: np.clip(c - 0.055, 0, 1),
    "overconfident at both ends": lambda c: 0.5 + 0.6 * (c - 0.5),
    "badly off": lambda c: c**3,
}
SIZES = {"tenths": (100, 500, 2000), "continuous": (500,)}
#: Answers that stand for infinitely many.
MANY = 1_000_000
#: Bootstrap samples and draws of correctness: fewer than the default, for time.
RESAMPLES = 200
HEADER = ("metric", "forecaster", "confidences", "n", "true", "value", "debiased", "coverage")


def metrics() -> list[Metric]:
    chosen = [registry.build("metric", use) for use in METRICS if use != "distinct_confidences"]
    return [metric for metric in chosen if metric.use != "tokens"]


def answers(forecaster: str, confidences: str, n: int, seed: int) -> PredictionArrays:
    """Drawn answers: confidences from a beta distribution, in tenths or not; 3 % are missing."""
    rng = np.random.default_rng(seed)
    confidence = rng.beta(3, 1.5, n)
    if confidences == "tenths":
        confidence = confidence.round(1)
    right = rng.random(n) < FORECASTERS[forecaster](confidence)
    missing = rng.random(n) < 0.03
    return PredictionArrays(right.astype(float), np.where(missing, np.nan, confidence))


def truth(metric: Metric, forecaster: str, confidences: str) -> float:
    if metric.use == "parse_rate":
        return 0.97
    many = answers(forecaster, confidences, MANY, seed=2**32)
    if metric.zero_if is None:
        return metric.compute(many)
    stated = many.stated().confidence
    return metric.compute(PredictionArrays(FORECASTERS[forecaster](stated), stated))


def simulate(forecaster: str, confidences: str, n: int, seed: int) -> list[tuple[float, ...]]:
    """Value, low, high and debiased value of each metric, NaN where there is none."""
    columns = answers(forecaster, confidences, n, seed)
    made = score(columns, metrics(), resamples=RESAMPLES, seed=seed)
    return [
        tuple(np.nan if x is None else x for x in (s.value, s.low, s.high, s.debiased))
        for s in made
    ]


def rows(simulations: int, jobs: int) -> list[list[object]]:
    """One line per metric, forecaster, kind of confidences and n."""
    found: list[list[object]] = []
    with Pool(jobs) as pool:
        for forecaster in FORECASTERS:
            for confidences, sizes in SIZES.items():
                true = pool.starmap(
                    truth, [(metric, forecaster, confidences) for metric in metrics()]
                )
                for n in sizes:
                    draw = partial(simulate, forecaster, confidences, n)
                    drawn = np.array(pool.map(draw, range(simulations), chunksize=4))
                    for i, metric in enumerate(metrics()):
                        value, low, high, debiased = drawn[:, i].T
                        hit = (low - 1e-9 <= true[i]) & (true[i] <= high + 1e-9)
                        shown = f"{np.nanmean(debiased):.4f}" if metric.zero_if else ""
                        case = (label(metric), forecaster, confidences, n)
                        numbers = (f"{true[i]:.4f}", f"{np.nanmean(value):.4f}", shown)
                        found.append([*case, *numbers, f"{hit.mean():.3f}"])
                    print(forecaster, confidences, n, flush=True)
    return found


def table(found: list[list[object]]) -> str:
    """Coverage by metric and forecaster, one table for each kind of confidences and n."""
    parts = []
    for confidences, n in dict.fromkeys((row[2], row[3]) for row in found):
        case = [row for row in found if (row[2], row[3]) == (confidences, n)]
        parts.append(f"n = {n:,}, {confidences}\n\n| metric | {' | '.join(FORECASTERS)} |")
        parts[-1] += "\n" + "|---" * (1 + len(FORECASTERS)) + "|"
        for name in dict.fromkeys(row[0] for row in case):
            covered = " | ".join(str(row[-1]) for row in case if row[0] == name)
            parts[-1] += f"\n| `{name}` | {covered} |"
    return "\n\n".join(parts) + "\n"


def kept(file: Path) -> list[list[object]]:
    """The rows of earlier simulations, except those of the cases in `SIZES`."""
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        earlier = [[*row[:3], int(row[3]), *row[4:]] for row in list(csv.reader(lines))[1:]]
    return [row for row in earlier if row[3] not in SIZES.get(row[2], ())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=400)
    parser.add_argument("--only", metavar="KIND:N", help="one case, e.g. tenths:500")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    if arguments.only:
        kind, _, n = arguments.only.partition(":")
        SIZES.clear()
        SIZES[kind] = (int(n),)
    file = arguments.out / "coverage.csv"
    found = kept(file) + rows(arguments.simulations, arguments.jobs)
    found.sort(key=lambda row: (row[2] != "tenths", row[3]))
    with file.open("w", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows([HEADER, *found])
    (arguments.out / "coverage.md").write_text(table(found), encoding="utf-8")


if __name__ == "__main__":
    main()
