"""One stated confidence against twenty samples, seed by seed, from a benchmark's results.

    python benchmarks/limit/compare.py benchmarks/quickstart/results.csv
    python benchmarks/limit/compare.py benchmarks/limit/one-reply/results.csv expected

Prints a Markdown table of the last model's confidence, by default the stated one, and the base's
self-consistency: Brier score as a ratio, AUROC and accuracy as differences, and the ratio to the
ideal observer.
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


def line(values: dict[Key, float], estimator: str) -> list[float]:
    """What one seed came to, with the confidence that this estimator reads."""
    reply = ("ppo", estimator)
    samples = ("base", "self_consistency")
    return [
        values[(*reply, "brier")] / values[(*samples, "brier")],
        values[(*reply, "auroc")] - values[(*samples, "auroc")],
        values[(*reply, "accuracy")] - values["base", "verbalized", "accuracy"],
        values[(*reply, "brier")] / values["ideal", "ideal", "brier"],
    ]


def main() -> None:
    path, estimator = Path(sys.argv[1]), (sys.argv[2:] or ["verbalized"])[0]
    lines = {seed: line(values, estimator) for seed, values in scores(path).items()}
    lines["mean"] = [sum(column) / len(column) for column in zip(*lines.values(), strict=True)]
    print("| seed | Brier, × samples | AUROC, − samples | accuracy, − base | Brier, × limit |")
    print("|---|---|---|---|---|")
    for seed, (brier, auroc, accuracy, limit) in lines.items():
        print(f"| {seed} | {brier:.3f} | {auroc:+.3f} | {accuracy:+.3f} | {limit:.3f} |")


if __name__ == "__main__":
    main()
