"""What each training phase adds in every setting of a matrix, from the reports of its cells.

    python benchmarks/open-questions/phases.py architectures runs/architectures --out DIRECTORY

Reads `cells/NUMBER/report` of a run whose cells were run one by one, on any machine; models and
samples are not needed. Writes `RECIPE.csv` and `RECIPE.md`: the seeds of a setting pooled, and the
difference between its two trained models with an interval that holds for other seeds and questions.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from saysel import registry
from saysel.plan.plan import plan
from saysel.recipes.recipe import load
from saysel.records import Prediction
from saysel.report.text_tables import markdown
from saysel.scoring import Method, Setting, pool

METRICS = ("accuracy", "brier", "auroc")
#: Models in the order of training; the estimator is `verbalized`.
MODELS = ("base", "sft", "ppo")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", help="a matrix over seeds, trained with sft and ppo")
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    reports: dict[str, dict[str, Path]] = defaultdict(dict)  # by setting and seed
    for number, cell in enumerate(plan(load(arguments.recipe)).cells, start=1):
        setting, _, seed = cell.label.rpartition(",")
        report = arguments.run / "cells" / str(number) / "report"
        if report.is_dir():
            reports[setting][seed] = report
        else:
            print(f"{cell.label}: not finished, left out")
    rows = [row(setting, of_seeds) for setting, of_seeds in reports.items()]
    with (arguments.out / f"{arguments.recipe}.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    text = table(rows)
    (arguments.out / f"{arguments.recipe}.md").write_text(text)
    print(text)


def row(setting: str, reports: Mapping[str, Path]) -> dict[str, Any]:
    """The pooled scores of a setting."""
    pooled = pool(
        [
            Setting(model, {seed: predictions(report, model) for seed, report in reports.items()})
            for model in ("sft", "ppo", "base")
        ],
        [registry.build("metric", name) for name in METRICS],
    )
    found: dict[str, Any] = {"setting": setting, "seeds": len(reports)}
    for metric in METRICS:
        for model in MODELS:
            score = pooled.score(model, metric)
            assert score is not None and score.mean is not None, (setting, model, metric)
            found[f"{metric}, {model}"] = round(score.mean, 4)
        found[f"{metric}, limit"] = round(mean(limit(one, metric) for one in reports.values()), 4)
        difference = pooled.difference("ppo", metric)
        if difference is not None:
            found[f"{metric}, ppo - sft"] = round(difference.difference, 4)
            found[f"{metric}, low"] = round(difference.low, 4)
            found[f"{metric}, high"] = round(difference.high, 4)
    return found


def predictions(report: Path, model: str) -> Method:
    """The stated confidences of a model of a cell."""
    with (report / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = [
            one
            for one in csv.DictReader(file)
            if (one["model"], one["estimator"]) == (model, "verbalized")
        ]
    return Method(
        model,
        [
            Prediction(
                question_id=one["question_id"],
                response=one["response"],
                answer=one["answer"] or None,
                rationale=one["rationale"] or None,
                confidence=float(one["confidence"]) if one["confidence"] else None,
                correct=float(one["correct"]) if one["correct"] else None,
                tokens=int(one["tokens"]),
            )
            for one in rows
        ],
    )


def limit(report: Path, metric: str) -> float:
    """The ideal observer's value in a cell."""
    rows = json.loads((report / "metrics.json").read_text())["rows"]
    return next(one["metrics"][metric]["value"] for one in rows if one["model"] == "ideal")


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown: Brier scores and AUROC of the trained models, and what PPO adds."""

    def shown(value: float) -> str:
        return f"{value:.3f}"

    lines = []
    for one in rows:
        change = f"{one['brier, ppo - sft']:+.3f}"
        interval = f"({one['brier, low']:+.3f} to {one['brier, high']:+.3f})"
        cells = [one["setting"], str(one["seeds"])]
        cells += [shown(one[f"accuracy, {model}"]) for model in ("base", "ppo")]
        cells += [shown(one[f"brier, {model}"]) for model in ("sft", "ppo", "limit")]
        cells += [f"{change} {interval}"]
        cells += [shown(one[f"auroc, {model}"]) for model in ("sft", "ppo", "limit")]
        lines.append(cells)
    header = ["setting", "seeds", "accuracy, base", "after PPO", "Brier, SFT", "PPO", "limit"]
    header += ["PPO − SFT (95 %)", "AUROC, SFT", "PPO", "limit"]
    return markdown(header, lines)


if __name__ == "__main__":
    main()
