"""Run a recipe on several seeds and commit the table: mean and range over the seeds.

    python benchmarks/seeds.py quickstart --seeds 10 11 12 13 14 --out benchmarks/quickstart
    python benchmarks/seeds.py pararel --seeds 10 11 12 --out benchmarks/pararel \
        --set source.path=pararel_data.json

Every seed is a run directory below `runs/`; a finished run is not repeated, so the script
continues where it stopped. `--jobs 2` runs two seeds in parallel with one thread each. Writes
`results.csv` (every value with its interval), `table.md` (mean and range), `pooled.csv` (means with
intervals that hold across seeds, and the differences from the first row or `--reference`, see
`saysel.scoring.pooling`) and `versions.json`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import saysel
from saysel.report import Row
from saysel.report.text_tables import markdown
from saysel.scoring import Method, Pooled, PooledScore, Setting, label, pool

METRICS = ("accuracy", "ece", "auroc", "brier", "parse_rate", "distinct_confidences")
#: Seeds by name, each with the rows of its report.
Seeds = Mapping[str, Sequence[Row]]


def run(recipe: str, seed: int, overrides: list[str], threads: int | None) -> Path:
    """Run one seed, unless it is done; returns its directory."""
    directory = Path("runs") / f"{recipe}-seed{seed}"
    settings = [f"seed={seed}", f"source.seed={seed}", *overrides]
    command = [sys.executable, "-m", "saysel", "run", recipe, "--out", str(directory)]
    for setting in settings:
        command += ["--set", setting]
    environment = dict(os.environ)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    subprocess.run(command, check=True, env=environment)
    return directory


def pooled_rows(seeds: Seeds) -> dict[str, dict[str, Row]]:
    """For each model and estimator its row on each seed."""
    rows: dict[str, dict[str, Row]] = {}
    for seed, of_seed in seeds.items():
        for row in of_seed:
            rows.setdefault(f"{row.model} {row.estimator}", {})[seed] = row
    return rows


def table(seeds: Seeds) -> str:
    """Mean and range over the seeds, one line per model and estimator, as Markdown."""
    lines = []
    for rows in pooled_rows(seeds).values():
        first = next(iter(rows.values()))
        cells = [mean_and_range(rows, metric) for metric in METRICS]
        lines.append([first.model, first.estimator, *cells])
    return markdown(["model", "estimator", *METRICS], lines, range(2 + len(METRICS)))


def mean_and_range(rows: Mapping[str, Row], metric: str) -> str:
    scores = [score for row in rows.values() for score in row.scores if score.metric == metric]
    values = [score.value for score in scores if score.value is not None]
    if not values:
        return "–"
    digits = 0 if metric == "distinct_confidences" else 3
    mean = sum(values) / len(values)
    return f"{mean:.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def pooled_records(seeds: Seeds, reference: str | None = None) -> list[dict[str, object]]:
    """Means with intervals, and differences from a row; the ideal observer is left out.

    Args:
        reference: model and estimator of the row; by default the first.
    """
    rows = {
        name: of_row
        for name, of_row in pooled_rows(seeds).items()
        if all(row.predictions for row in of_row.values())
    }
    settings = [
        Setting(name, {seed: method(row, seed) for seed, row in of_row.items()})
        for name, of_row in rows.items()
    ]
    first = next(iter(next(iter(rows.values())).values()))
    metrics = [metric for metric in first.metrics if label(metric) in METRICS]
    pooled = pool(settings, metrics, reference)
    return [record(score, pooled) for score in pooled.scores]


def method(row: Row, seed: str) -> Method:
    """A question of another seed is another question; a cluster is the same on every seed."""
    return Method(
        row.name,
        [replace(one, question_id=f"{seed}/{one.question_id}") for one in row.predictions],
        clusters={f"{seed}/{id}": cluster for id, cluster in row.clusters.items()},
    )


def record(score: PooledScore, pooled: Pooled) -> dict[str, object]:
    difference = pooled.difference(score.setting, score.metric)
    return {
        "row": score.setting,
        "metric": score.metric,
        "seeds": len(score.values),
        "mean": score.mean,
        "low": score.low,
        "high": score.high,
        "difference": difference and difference.difference,
        "difference_low": difference and difference.low,
        "difference_high": difference and difference.high,
        "p_holm": difference and difference.p_holm,
        "outcome": difference and difference.outcome,
    }


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--reference", help="'MODEL ESTIMATOR' that the others are compared with")
    parser.add_argument("--jobs", type=int, default=1, help="seeds side by side, a thread each")
    arguments = parser.parse_args()
    threads = 1 if arguments.jobs > 1 else None
    with ThreadPoolExecutor(arguments.jobs) as pool:
        directories = list(
            pool.map(
                lambda seed: run(arguments.recipe, seed, arguments.overrides, threads),
                arguments.seeds,
            )
        )
    seeds = {
        str(seed): saysel.Run(directory).rows
        for seed, directory in zip(arguments.seeds, directories, strict=True)
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_csv(arguments.out / "results.csv", results(seeds))
    write_csv(arguments.out / "pooled.csv", pooled_records(seeds, arguments.reference))
    (arguments.out / "table.md").write_text(table(seeds))
    (arguments.out / "versions.json").write_text(
        json.dumps(versions(dict(zip(seeds, directories, strict=True))), indent=1) + "\n"
    )
    print(table(seeds))


def results(seeds: Seeds) -> list[dict[str, object]]:
    """Every score of every seed."""
    return [
        {
            "seed": seed,
            "model": row.model,
            "estimator": row.estimator,
            "split": row.split,
            "n": row.n,
            "metric": score.metric,
            "value": score.value,
            "low": score.low,
            "high": score.high,
        }
        for seed, rows in seeds.items()
        for row in rows
        for score in row.scores
    ]


def versions(directories: Mapping[str, Path]) -> dict[str, object]:
    """Versions and hardware of the last run, and the seconds of every stage."""
    found: dict[str, object] = {}
    seconds = {}
    for seed, directory in directories.items():
        manifest = json.loads((directory / "manifest.json").read_text())
        found = {**manifest["versions"], "hardware": manifest["hardware"]}
        seconds[seed] = {name: stage["seconds"] for name, stage in manifest["stages"].items()}
    return {"versions": found, "seconds": seconds, "python": platform.python_version()}


if __name__ == "__main__":
    main()
