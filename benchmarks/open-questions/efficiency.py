"""What every stage costs, and how that grows with samples and questions.

    python benchmarks/open-questions/efficiency.py --out benchmarks/open-questions

Runs the quickstart up to fine-tuning, once for each number of samples and of training questions.
Writes `efficiency.csv` (seconds, tokens and peak memory of every stage), and `efficiency.md`
with the seconds and the exponent of their growth. A finished run is not repeated.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import saysel
from saysel.report.text_tables import markdown

STAGES = ("model", "sample", "cluster", "rationale", "target", "train-sft")
SAMPLES = (5, 10, 20, 50, 100)
QUESTIONS = (750, 1500, 3000, 6000)
#: That of the quickstart, with one pass over the examples.
FINE_TUNING = {"use": "sft", "lora": None, "learning_rate": 3e-3, "batch_size": 32, "epochs": 1}
#: What the other axis keeps.
USUAL_SAMPLES, USUAL_QUESTIONS = 20, 3000


class Cost(NamedTuple):
    """What a stage of one run has cost.

    Attributes:
        samples, questions: settings of the run; samples for each of the training questions.
        seconds: wall-clock time of the whole stage.
        work_seconds: of its work alone, without loading libraries and models.
        tokens: that it has generated.
        peak_memory_mb: of the process during the stage, libraries included.
    """

    samples: int
    questions: int
    stage: str
    seconds: float
    work_seconds: float
    tokens: int
    peak_memory_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, nargs="+", default=SAMPLES)
    parser.add_argument("--questions", type=int, nargs="+", default=QUESTIONS)
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    by_samples = [
        cost for n in arguments.samples for cost in measure(n, USUAL_QUESTIONS, arguments.runs)
    ]
    by_questions = [
        cost for n in arguments.questions for cost in measure(USUAL_SAMPLES, n, arguments.runs)
    ]
    with (arguments.out / "efficiency.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Cost._fields)
        writer.writerows(dict.fromkeys([*by_samples, *by_questions]))
    text = "\n".join(
        [
            f"{platform.processor() or platform.machine()}, saysel {saysel.__version__}\n",
            growth(by_samples, "samples"),
            growth(by_questions, "questions"),
        ]
    )
    (arguments.out / "efficiency.md").write_text(text)
    print(text)


def measure(samples: int, questions: int, runs: Path) -> list[Cost]:
    """The costs of the stages with these settings."""
    run = runs / f"efficiency-{samples}-{questions}"
    recipe = {
        "name": "efficiency",
        "extends": "quickstart",
        "sample": {"n": samples},
        "source": {"train": questions},
        "train": [FINE_TUNING],
    }
    saysel.run(recipe, run, until="train")
    stages = json.loads((run / "manifest.json").read_text())["stages"]
    return [
        Cost(
            samples,
            questions,
            stage,
            stages[stage]["seconds"],
            stages[stage]["work"]["seconds"],
            stages[stage]["tokens"],
            stages[stage]["peak_memory_mb"],
        )
        for stage in STAGES
    ]


def growth(costs: Sequence[Cost], axis: str) -> str:
    """Seconds of work by stage and setting, with the slope of their logarithms, as Markdown."""
    values = sorted({getattr(cost, axis) for cost in costs})
    rows = []
    for stage in STAGES:
        of_stage = {getattr(cost, axis): cost for cost in costs if cost.stage == stage}
        seconds = [of_stage[value].work_seconds for value in values]
        rows.append(
            [
                stage,
                *(f"{one:.2f}" for one in seconds),
                f"{round(exponent(values, seconds), 2) + 0.0:.2f}",  # no minus before zero
                f"{max(of_stage[value].peak_memory_mb for value in values):,.0f}",
            ]
        )
    names = [f"{value:,} {axis}" for value in values]
    return markdown(["stage", *names, "exponent", "peak MB"], rows)


def exponent(values: Sequence[float], seconds: Sequence[float]) -> float:
    """The slope of log seconds over log values; 1 is linear growth."""
    return float(np.polyfit(np.log(values), np.log(np.maximum(seconds, 1e-3)), 1)[0])


if __name__ == "__main__":
    main()
