"""How faithful the rationales are in every setting of a matrix, the seeds pooled.

    python benchmarks/open-questions/faithfulness.py runs/rationale-writers --out DIRECTORY

Reads the report of a finished run. Writes `NAME-faithfulness.csv` and `.md`: the mean over the
seeds of every measure, with the lowest and the highest seed.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from pathlib import Path
from statistics import mean

from saysel.report.text_tables import markdown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    found: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in json.loads((arguments.run / "report" / "metrics.json").read_text())["faithfulness"]:
        setting = one["cell"].rpartition(",")[0]
        for measure, score in one["metrics"].items():
            if score["value"] is not None:
                found[setting, one["model"]][measure].append(score["value"])
    measures = list(dict.fromkeys(name for values in found.values() for name in values))
    name = f"{arguments.run.name}-faithfulness"
    with (arguments.out / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["setting", "model", "measure", "seeds", "mean", "lowest", "highest"])
        for (setting, model), by_measure in found.items():
            for measure, values in by_measure.items():
                ends = (mean(values), min(values), max(values))
                writer.writerow([setting, model, measure, len(values), *(f"{v:.4f}" for v in ends)])
    rows = [
        [
            setting,
            model,
            *(f"{mean(by_measure[one]):.3f}" if by_measure[one] else "–" for one in measures),
        ]
        for (setting, model), by_measure in found.items()
    ]
    text = markdown(["setting", "model", *measures], rows)
    (arguments.out / f"{name}.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
