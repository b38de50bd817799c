"""How time and memory of everything but the model grow with the number of responses.

    python benchmarks/scale/growth.py 10000 100000
    python benchmarks/scale/growth.py --workers 1 2 4

Runs `scale.yaml`: 20 responses to each training question, grouped, judged and made into examples;
then one prediction for each of as many evaluation questions, scored and reported. Responses are
drawn at random and cost little, so that what is measured is the framework's own work. Each stage
runs in a separate process. Seconds and peak memory of each stage are those of the run's manifest;
CPU seconds do not depend on what else the machine does, and are the ones to compare.

With `--workers`, the sampler waits as if it asked a server, in so many processes.

Rows are added to `growth.csv` and `workers.csv`, in place of earlier ones of the same size.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from saysel.storage import read_record

FOLDER = Path(__file__).parent
#: Responses to each question.
SAMPLES = 20
STAGES = ("sample", "cluster", "rationale", "target", "evaluate", "report")
#: Where workers are compared: questions, responses to each, and seconds that those take together.
WAITING, WAITING_SAMPLES, WAIT = 160, 100, 0.6


def measured(questions: int, until: Sequence[str], *options: str) -> dict[str, dict[str, Any]]:
    """What the manifest of a run records of each stage."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "saysel", "run", str(FOLDER / "scale.yaml"), "--out", folder),
            *("--set", f"source.count={questions}", *options),
        ]
        for stage in until:
            subprocess.run([*command, "--until", stage], check=True, stdout=subprocess.DEVNULL)
        stages = read_record(Path(folder) / "manifest.json")["stages"]
        noted = (Path(folder) / "cpu.jsonl").read_text(encoding="utf-8").splitlines()
    cpu: dict[str, float] = {}
    for note in map(json.loads, noted):
        started = note["event"] == "stage_started"
        cpu[note["stage"]] = note["cpu"] - (0.0 if started else cpu[note["stage"]])
    return {name.partition("-")[0]: {**stages[name], "cpu": cpu[name]} for name in stages}


def growth(responses: int) -> list[dict[str, Any]]:
    """One row for each stage."""
    stages = measured(responses // SAMPLES, STAGES)
    return [
        {
            "responses": responses,
            "stage": stage,
            "cpu_seconds": round(stages[stage]["cpu"], 3),
            "seconds": stages[stage]["seconds"],
            "peak_memory_mb": stages[stage]["peak_memory_mb"],
        }
        for stage in STAGES
    ]


def workers(count: int) -> dict[str, Any]:
    """Seconds of sampling where the sampler waits."""
    sample = {"use": "drawn", "n": WAITING_SAMPLES, "wait": WAIT}
    options = ["--set", f"sample={json.dumps(sample)}", "--processes", str(count)]
    return {
        "workers": count,
        "responses": WAITING * WAITING_SAMPLES,
        "seconds_waited_in_all": WAIT * WAITING,
        "seconds": measured(WAITING, ["sample"], *options)["sample"]["seconds"],
    }


def exponents(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """For each stage the exponent of growth between the two largest sizes: 1 is linear."""
    sizes = sorted({int(row["responses"]) for row in rows})[-2:]
    if len(sizes) < 2:
        return {}
    seconds = {(int(r["responses"]), r["stage"]): float(r["cpu_seconds"]) for r in rows}
    small, large = sizes
    return {
        stage: math.log(seconds[large, stage] / seconds[small, stage]) / math.log(large / small)
        for stage in STAGES
    }


def add(file: Path, rows: Sequence[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
    """Write rows to a file, in place of those with the same key."""
    known: list[Mapping[str, Any]] = []
    if file.exists():
        with file.open(encoding="utf-8", newline="") as stored:
            known = list(csv.DictReader(stored))
    new = {str(row[key]) for row in rows}
    every = [*(row for row in known if str(row[key]) not in new), *rows]
    every.sort(key=lambda row: int(row[key]))
    with file.open("w", encoding="utf-8", newline="") as stored:
        writer = csv.DictWriter(stored, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(every)
    return every


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("responses", type=int, nargs="*")
    parser.add_argument("--workers", type=int, nargs="+", default=[])
    given = parser.parse_args()
    for responses in given.responses:
        rows = growth(responses)
        for row in rows:
            print(*row.values(), sep="\t")
        every = add(FOLDER / "growth.csv", rows, "responses")
        for stage, exponent in exponents(every).items():
            print(f"{stage}: responses ** {exponent:.2f}")
    for count in given.workers:
        row = workers(count)
        print(*row.values(), sep="\t")
        add(FOLDER / "workers.csv", [row], "workers")


if __name__ == "__main__":
    main()
