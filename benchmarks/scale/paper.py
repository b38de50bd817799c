"""What the paper's 9 million samples take on 1, 8 and 64 GPUs, computed.

    python benchmarks/scale/paper.py

Reads `rates.yaml`, whose rates are assumptions, and `growth.csv`, whose CPU seconds are measured.
Writes `paper.md`.

- A stage that works in shards divides them among the GPUs evenly.
- What the framework does for each response or question (parsing, grouping, judging, storing) is
  taken at the measured CPU seconds, all of it in the first process, while the GPUs work: a stage
  takes as long as the slower of both.
- SFT and PPO are divided evenly up to 8 GPUs, and take no more.
- Stages follow one another. Loading models and waiting for machines are left out.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

from saysel.recipes.text import read_yaml

FOLDER = Path(__file__).parent
GPUS = (1, 8, 64)
#: More GPUs do not speed up the small batches of training.
MOST_FOR_TRAINING = 8
SPEEDS = ("slow", "middle", "fast")


class Stage(NamedTuple):
    """A stage's seconds.

    Attributes:
        gpu: of one GPU, for slow, middle and fast ones.
        cpu: of the first process.
        most: the number of GPUs that it can use.
    """

    name: str
    gpu: list[float]
    cpu: float
    most: int = 10**6

    def seconds(self, gpus: int, speed: int) -> float:
        return max(self.gpu[speed] / min(gpus, self.most), self.cpu)


def cpu_seconds() -> dict[str, float]:
    """CPU seconds for each response of each stage, of the largest measured run."""
    with (FOLDER / "growth.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    largest = max(int(row["responses"]) for row in rows)
    return {
        row["stage"]: float(row["cpu_seconds"]) / largest
        for row in rows
        if int(row["responses"]) == largest
    }


def stages() -> list[Stage]:
    inputs = read_yaml(FOLDER / "rates.yaml")
    amount, rate, cpu = inputs["amounts"], inputs["rates"], cpu_seconds()
    responses = amount["questions"] * amount["samples"]

    def gpu(units: float, name: str) -> list[float]:
        return [units / each for each in rate[name]]

    sampled = "sampled_tokens_per_second"
    rationale_tokens = amount["rationales"] * amount["rationale_tokens"]
    trained = amount["examples"] * amount["epochs"]
    evaluated = amount["evaluated"] * amount["rollout_tokens"]
    most = MOST_FOR_TRAINING
    return [
        Stage("sample", gpu(responses * amount["tokens"], sampled), responses * cpu["sample"]),
        Stage("cluster", gpu(responses, "embedded_texts_per_second"), responses * cpu["cluster"]),
        Stage("rationale", gpu(rationale_tokens, sampled), responses * cpu["rationale"]),
        Stage("target", [0.0] * 3, responses * cpu["target"]),
        Stage("train: sft", gpu(trained, "trained_examples_per_second"), 0.0, most),
        Stage("train: ppo", gpu(amount["rollouts"], "ppo_replies_per_second"), 0.0, most),
        Stage("evaluate", gpu(evaluated, sampled), 0.0),
    ]


def hours(seconds: float) -> str:
    return f"{seconds / 3600:,.1f}"


def main() -> None:
    lines = [
        "Hours on a number of GPUs, for slow – middle – fast ones; computed, not measured.",
        "",
        f"| stage | {' | '.join(f'{gpus} GPU' + 's' * (gpus > 1) for gpus in GPUS)} | CPU |",
        f"|---|{'---|' * (len(GPUS) + 1)}",
    ]
    planned = stages()
    for stage in planned:
        cells = [
            " – ".join(hours(stage.seconds(gpus, speed)) for speed in range(len(SPEEDS)))
            for gpus in GPUS
        ]
        lines.append(f"| {stage.name} | {' | '.join(cells)} | {hours(stage.cpu)} |")
    totals = [
        " – ".join(
            hours(sum(stage.seconds(gpus, speed) for stage in planned))
            for speed in range(len(SPEEDS))
        )
        for gpus in GPUS
    ]
    cpu = hours(sum(stage.cpu for stage in planned))
    lines.append(f"| **all** | {' | '.join(f'**{total}**' for total in totals)} | {cpu} |")
    (FOLDER / "paper.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
