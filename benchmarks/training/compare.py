"""Training through saysel against TRL alone, side by side.

    python -m benchmarks.training.compare 5M --out benchmarks/training/results.json
    python -m benchmarks.training.compare path/to/SmolLM2-135M-Instruct --dtype bfloat16 --lora 16 \
        --batch 8 --micro 4 --group 4 --tokens 24 --steps 1

A model is a directory, or a size of `benchmarks/sampling/compare.py`, built with random weights.
Both trainers of a comparison train the same model on the same data in processes that take turns,
so that a busy machine slows both. PPO needs `--trl112`, the interpreter of an environment with
TRL 1.12, the last with a PPOTrainer:

    python -m venv .venv-trl && .venv-trl/bin/python -m pip install -e . 'trl==1.12.*' peft

Prints the ratios of speed, and with `--out FILE` adds all turns to that JSON, round by round.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.sampling.compare import SIZES, build
from benchmarks.training.settings import Settings
from benchmarks.training.turns import Worker

METHODS = ("sft", "grpo", "ppo", "memory")
#: Options of saysel's PPO that trade time for memory; the first is what the others are compared to.
MEMORY_OPTIONS: dict[str, dict[str, Any]] = {
    "whole mini-batches": {},
    "accumulation": {"micro_batch_size": 2},
    "checkpointing": {"gradient_checkpointing": True},
    "both": {"micro_batch_size": 2, "gradient_checkpointing": True},
}
Turn = dict[str, float]


@dataclass(frozen=True)
class Entry:
    """One of the ways of training that are compared.

    Attributes:
        label: its name in the results.
        worker: see `benchmarks.training.worker.WORKERS`.
        python: the interpreter of its environment.
        options: further options of saysel's trainer.
    """

    label: str
    worker: str
    python: str = sys.executable
    options: dict[str, Any] = field(default_factory=dict)


def entries(method: str, trl112: str | None) -> list[Entry]:
    """What a method compares: saysel, then TRL or saysel with other options."""
    if method == "memory":
        return [
            Entry(label, "saysel ppo", options=options) for label, options in MEMORY_OPTIONS.items()
        ]
    python = trl112 if method == "ppo" else sys.executable
    ours = Entry("saysel", f"saysel {method}")
    return [ours, Entry("trl", f"trl {method}", python)] if python else [ours]


def compare(compared: Sequence[Entry], settings: Settings) -> Iterator[dict[str, list[Turn]]]:
    """The turns of every entry so far, after every round; each round begins with another one."""
    with tempfile.TemporaryDirectory() as directory:
        workers: list[Worker] = []
        try:
            for row, entry in enumerate(compared):
                with (Path(directory) / str(row)).open("w") as log:
                    own = replace(settings, options=entry.options)
                    workers.append(Worker(entry.python, entry.worker, own, log))
            turns: dict[str, list[Turn]] = {entry.label: [] for entry in compared}
            for turn in range(settings.turns):
                for row in range(len(workers)):
                    row = (row + turn) % len(workers)
                    turns[compared[row].label].append(workers[row].turn())
                yield turns
        finally:
            for worker in workers:
                worker.stop()


def speeds(turns: dict[str, list[Turn]]) -> dict[str, list[float]]:
    """How many times as fast the first entry is as each other one, turn by turn."""
    first, *others = turns
    return {
        other: [
            b["seconds"] / a["seconds"] for a, b in zip(turns[first], turns[other], strict=True)
        ]
        for other in others
    }


def versions(python: str) -> dict[str, str]:
    """The libraries of an environment."""
    names = ("torch", "transformers", "trl", "peft", "accelerate")
    code = f"from importlib.metadata import version as v; print(*map(v, {names}))"
    found = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return dict(zip(names, found.stdout.split(), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("models", nargs="+", help=f"{', '.join(SIZES)}, or a model's directory")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--trl112", help="interpreter of an environment with TRL 1.12")
    parser.add_argument("--name", help="of the model in the results")
    parser.add_argument("--out", type=Path)
    for name, default in asdict(Settings("")).items():
        if name not in ("model", "options"):
            parser.add_argument(f"--{name}", type=type(default), default=default)
    given = parser.parse_args()
    names = asdict(Settings("")).keys() - {"model", "options"}
    common = Settings("", **{name: getattr(given, name) for name in names})
    with tempfile.TemporaryDirectory() as directory:
        for model in given.models:
            path = build(model, Path(directory)).path if model in SIZES else model
            for method in given.methods:
                compared = entries(method, given.trl112)
                name = f"{method}, {given.name or Path(model).name}"
                if len(compared) == 1:
                    print(f"{name}: not measured without --trl112")
                    continue
                settings = replace(common, model=path)
                for turns in compare(compared, settings):
                    if given.out is not None:
                        add(given.out, name, settings, compared, turns)
                print_speeds(name, turns)


def print_speeds(name: str, turns: dict[str, list[Turn]]) -> None:
    for other, found in speeds(turns).items():
        peaks = [
            max(turn["peak_mb"] for turn in turns[label]) for label in (next(iter(turns)), other)
        ]
        print(
            f"{name}: {median(found):.2f} x the speed of {other} ({min(found):.2f} to "
            f"{max(found):.2f} in {len(found)} turns), {peaks[0]:,.0f} and {peaks[1]:,.0f} MB",
            flush=True,
        )


def add(
    path: Path,
    name: str,
    settings: Settings,
    compared: Sequence[Entry],
    turns: dict[str, list[Turn]],
) -> None:
    """Write a comparison into the file, replacing an earlier one of the same name."""
    written = json.loads(path.read_text()) if path.is_file() else {}
    cuda = torch.cuda.is_available()
    written[name] = {
        "settings": {
            key: value for key, value in asdict(settings).items() if key not in ("model", "options")
        },
        "versions": {entry.label: versions(entry.python) for entry in compared},
        "python": platform.python_version(),
        "hardware": torch.cuda.get_device_name() if cuda else platform.machine(),
        "threads": torch.get_num_threads(),
        "turns": turns,
        "times_as_fast": {
            other: [round(ratio, 3) for ratio in found] for other, found in speeds(turns).items()
        },
    }
    path.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
