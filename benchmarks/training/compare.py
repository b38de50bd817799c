"""Training through saysel against TRL alone, side by side.

    python -m benchmarks.training.compare 5M --out benchmarks/training/results.json
    python -m benchmarks.training.compare path/to/SmolLM2-135M-Instruct --dtype bfloat16 --lora 16 \
        --batch 8 --micro 4 --group 4 --tokens 24 --steps 1

A model is a directory, or a size of `benchmarks/sampling/compare.py`, built with random weights.
Both trainers of a comparison train the same model on the same data in processes that take turns,
so that a busy machine slows both. PPO needs `--trl112`, the interpreter of an environment with
TRL 1.12, the last with a PPOTrainer:

    python -m venv .venv-trl && .venv-trl/bin/python -m pip install -e . 'trl==1.12.*' peft

Prints the ratios of speed, and with `--out FILE` adds all turns to that JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

import torch

from benchmarks.sampling.compare import SIZES, build
from benchmarks.training.settings import Settings
from benchmarks.training.turns import Worker

METHODS = ("sft", "grpo", "ppo")
Turn = dict[str, float]


def compare(
    pythons: Sequence[str], names: Sequence[str], settings: Sequence[Settings]
) -> list[list[Turn]]:
    """The turns of each of several workers; every round has another one first."""
    with tempfile.TemporaryDirectory() as directory:
        workers: list[Worker] = []
        try:
            for row, name in enumerate(names):
                with (Path(directory) / str(row)).open("w") as log:
                    workers.append(Worker(pythons[row], name, settings[row], log))
            turns: list[list[Turn]] = [[] for _ in workers]
            for turn in range(settings[0].turns):
                for row in range(len(workers)):
                    row = (row + turn) % len(workers)
                    turns[row].append(workers[row].turn())
            return turns
        finally:
            for worker in workers:
                worker.stop()


def ratios(ours: Sequence[Turn], theirs: Sequence[Turn]) -> list[float]:
    """How many times as fast ours is, turn by turn."""
    return [b["seconds"] / a["seconds"] for a, b in zip(ours, theirs, strict=True)]


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
    parser.add_argument("--out", type=Path)
    for name, default in asdict(Settings("")).items():
        if name not in ("model", "options"):
            parser.add_argument(f"--{name}", type=type(default), default=default)
    given = parser.parse_args()
    common = Settings(
        "", **{name: getattr(given, name) for name in asdict(Settings("")) if hasattr(given, name)}
    )
    with tempfile.TemporaryDirectory() as directory:
        for model in given.models:
            path = build(model, Path(directory)).path if model in SIZES else model
            for method in given.methods:
                python = given.trl112 if method == "ppo" else sys.executable
                if python is None:
                    print("ppo: not measured without --trl112")
                    continue
                settings = replace(common, model=path)
                names = (f"saysel {method}", f"trl {method}")
                ours, theirs = compare((sys.executable, python), names, (settings, settings))
                found = ratios(ours, theirs)
                print(
                    f"{method} on {Path(model).name}: {median(found):.2f} x the speed of TRL "
                    f"({min(found):.2f} to {max(found):.2f} in {len(found)} turns)"
                )
                if given.out is not None:
                    add(given.out, f"{method}, {Path(model).name}", settings, python, ours, theirs)


def add(
    path: Path, name: str, settings: Settings, python: str, ours: list[Turn], theirs: list[Turn]
) -> None:
    """Write a comparison into the file, replacing an earlier one of the same name."""
    written = json.loads(path.read_text()) if path.is_file() else {}
    written[name] = {
        "settings": {key: value for key, value in asdict(settings).items() if key != "model"},
        "versions": {"saysel": versions(sys.executable), "trl": versions(python)},
        "python": platform.python_version(),
        "hardware": torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else platform.machine(),
        "threads": torch.get_num_threads(),
        "saysel": ours,
        "trl": theirs,
        "ratios": [round(ratio, 3) for ratio in ratios(ours, theirs)],
    }
    path.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
