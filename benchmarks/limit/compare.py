"""One stated confidence against twenty samples, seed by seed, from a benchmark's results.

    python benchmarks/limit/compare.py benchmarks/quickstart/results.csv

Prints a Markdown table of the last model's stated confidence and the base's self-consistency:
Brier score as a ratio, AUROC and accuracy as differences, and the ratio to the ideal observer.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

Key = tuple[str, str, str]


def scores(path: Path) -> dict[str, dict[Key, float]]:
    """Values by seed and (model, estimator, metric)."""
    found: dict[str, dict[Key, float]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["value"]:
                key = (row["model"], row["estimator"], row["metric"])
                found.setdefault(row["seed"], {})[key] = float(row["value"])
    return found


def line(values: dict[Key, float]) -> list[float]:
    """What one seed came to."""

    def of(metric: str, model: str = "ppo", estimator: str = "verbalized") -> float:
        return values[model, estimator, metric]

    samples = ("base", "self_consistency")
    return [
        of("brier") / of("brier", *samples),
        of("auroc") - of("auroc", *samples),
        of("accuracy") - of("accuracy", "base"),
        of("brier") / of("brier", "ideal", "ideal"),
    ]


def main() -> None:
    lines = {seed: line(values) for seed, values in scores(Path(sys.argv[1])).items()}
    lines["mean"] = [sum(column) / len(column) for column in zip(*lines.values(), strict=True)]
    print("| seed | Brier, × samples | AUROC, − samples | accuracy, − base | Brier, × limit |")
    print("|---|---|---|---|---|")
    for seed, (brier, auroc, accuracy, limit) in lines.items():
        print(f"| {seed} | {brier:.3f} | {auroc:+.3f} | {accuracy:+.3f} | {limit:.3f} |")


if __name__ == "__main__":
    main()
