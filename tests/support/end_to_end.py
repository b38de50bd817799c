"""A recipe that runs every stage in seconds, and helpers to run it and inspect the results."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from click.testing import CliRunner, Result
from safetensors.numpy import load_file

from saysel.cli import cli

#: Each training phase saves at least one checkpoint before its end.
RECIPE = """\
name: tiny
model: {use: scratch, layers: 1, width: 32, vocabulary: 400, batch_size: 16, max_steps: 120,
        learning_rate: 1e-2}
source: {use: witness, pretrain: 400, train: 24, heldout: 16}
format: {use: sayself, instruction: ""}
sample: {use: transformers, n: 4, max_tokens: 24}
train:
  - {use: sft, lora: null, max_steps: 12, batch_size: 8, learning_rate: 1e-3}
  - {use: ppo, lora: null, steps: 2, batch_size: 8, max_tokens: 48, checkpoint_every: 1}
evaluate:
  temperature: 0
  estimators: [verbalized, {use: self_consistency, n: 4, models: [base]}]
"""
#: Overrides of `RECIPE`: trained enough to write rationales.
TRAINED = (
    *("--set", "train=[{use: sft, lora: null, max_steps: 30, batch_size: 8, learning_rate: 1e-2}]"),
    *("--set", "evaluate.estimators=[verbalized]"),
    # Enough for whole rationales: one that was cut is missing.
    *("--set", "sample.max_tokens=96"),
)
#: Measures rationales and has X grade them; the prompt takes most of the tiny grader's context.
REFLECT = (
    "evaluate.faithfulness={n: 3, models: [sft], grader: {model: {use: pretrained, path: X}, "
    "sampler: {use: transformers, max_tokens: 64}}}"
)
STEPS = [
    *("model", "sample", "cluster", "rationale", "target", "train-sft", "train-ppo"),
    *("evaluate-base-verbalized", "evaluate-base-self_consistency"),
    *("evaluate-sft-verbalized", "evaluate-ppo-verbalized", "report"),
]
THREADS = {"OMP_NUM_THREADS": "1"}


def invoke(*arguments: str | Path) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli, list(map(str, arguments)), prog_name="saysel")


def measure_rationales(recipe: Path, run: Path, grader: str) -> Result:
    """Run `RECIPE` as `TRAINED`, its rationales measured and graded by a model."""
    return invoke("run", recipe, "--out", run, *TRAINED, "--set", REFLECT.replace("X", grader))


def restore_interrupts() -> None:
    """Handle SIGINT again, which a shell ignores for processes started in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start_command(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    """Start a command in a separate process."""
    return subprocess.Popen(
        [sys.executable, "-m", "saysel", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **THREADS},
        preexec_fn=restore_interrupts,
        **options,
    )


def events(run: Path) -> list[dict[str, Any]]:
    """The events of a run; every line must be strict JSON."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    lines = (run / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line, parse_constant=refuse) for line in lines]


def stages_started(run: Path, since: int = 0) -> list[str]:
    """The stages that a run started, in order, from event `since` on."""
    return [e["stage"] for e in events(run)[since:] if e["event"] == "stage_started"]


def results(run: Path) -> dict[str, Any]:
    """All results of a run: Parquet rows, model weights and scores.

    Two runs of the same recipe must give equal results.
    """
    found: dict[str, Any] = {}
    for path in sorted((run / "stages").glob("*/part-*.parquet")):
        found[f"{path.parent.name}/{path.name}"] = pq.read_table(path).to_pylist()
    for path in sorted((run / "stages").glob("*/model/*.safetensors")):
        weights = load_file(path)
        found[str(path.relative_to(run))] = {
            name: (array.shape, array.tobytes()) for name, array in weights.items()
        }
    found["metrics"] = json.loads((run / "report" / "metrics.json").read_text())
    return found


def leftovers(run: Path) -> list[Path]:
    """Temporary files that were never renamed to their final name."""
    return list(run.rglob(".*.tmp"))
