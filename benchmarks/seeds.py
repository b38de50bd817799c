"""Run a recipe on several seeds and commit the table: mean and range over the seeds.

    python benchmarks/seeds.py quickstart --seeds 10 11 12 13 14 --out benchmarks/quickstart
    python benchmarks/seeds.py pararel --seeds 10 11 12 --out benchmarks/pararel \
        --set source.path=pararel_data.json

Every seed is a run directory below `runs/`; a finished run is not repeated, so the script
continues where it stopped. `--jobs 2` runs two seeds in parallel with one thread each. Writes
`results.csv` (every value with its interval), `table.md` (mean and range) and `versions.json`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

METRICS = ("accuracy", "ece", "auroc", "brier", "parse_rate", "distinct_confidences")


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


def table(rows: list[dict[str, object]]) -> str:
    """Mean and range over the seeds, one line per model and estimator, as Markdown."""
    lines = [
        "| model | estimator | " + " | ".join(METRICS) + " |",
        "|---" * (2 + len(METRICS)) + "|",
    ]
    for key in dict.fromkeys((row["model"], row["estimator"]) for row in rows):
        cells = []
        for metric in METRICS:
            values = [
                float(str(row["value"]))
                for row in rows
                if (row["model"], row["estimator"]) == key
                and row["metric"] == metric
                and row["value"] != ""
            ]
            if not values:
                cells.append("–")
            else:
                mean = sum(values) / len(values)
                digits = 0 if metric == "distinct_confidences" else 3
                spread = f"{min(values):.{digits}f}–{max(values):.{digits}f}"
                cells.append(f"{mean:.{digits}f} ({spread})")
        lines.append(f"| {key[0]} | {key[1]} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("recipe")
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
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
    rows: list[dict[str, object]] = []
    times: dict[str, dict[str, float]] = {}
    versions: dict[str, object] = {}
    for seed, directory in zip(arguments.seeds, directories, strict=True):
        metrics = json.loads((directory / "report" / "metrics.json").read_text())
        manifest = json.loads((directory / "manifest.json").read_text())
        versions = {**manifest["versions"], "hardware": manifest["hardware"]}
        times[str(seed)] = {name: stage["seconds"] for name, stage in manifest["stages"].items()}
        for row in metrics["rows"]:
            for metric, score in row["metrics"].items():
                rows.append(
                    {
                        "seed": seed,
                        "model": row["model"],
                        "estimator": row["estimator"],
                        "split": row["split"],
                        "n": row["n"],
                        "metric": metric,
                        **{
                            end: "" if score[end] is None else score[end]
                            for end in ("value", "low", "high")
                        },
                    }
                )
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (arguments.out / "results.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (arguments.out / "table.md").write_text(table(rows))
    (arguments.out / "versions.json").write_text(
        json.dumps(
            {"versions": versions, "seconds": times, "python": platform.python_version()}, indent=1
        )
        + "\n"
    )
    print(table(rows))


if __name__ == "__main__":
    main()
