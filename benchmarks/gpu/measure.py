"""Training and sampling on a GPU: speed, and peak memory.

    python -m benchmarks.gpu.measure

Models of 0.5B and 7B parameters with random weights, an adapter of rank 16. Every part runs in a
process with a time limit, so one that runs out of memory leaves the others; the whole takes at
most 25 minutes. `results.json` is written after each part, and a part that has a result is not
repeated. Without a GPU nothing is measured, except with `--sizes tiny`, which tries the script.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.sampling.compare import SIZES, build
from benchmarks.training.settings import Settings
from benchmarks.training.turns import Worker

FOLDER = Path(__file__).parent
#: All parts together, in seconds; the rest of the 25 minutes is for building models.
TOTAL_SECONDS = 1380
#: Each part, in seconds.
PART_SECONDS = 150


@dataclass(frozen=True)
class Part:
    """What is measured of each size: a worker of `benchmarks.training.worker`, with options."""

    name: str
    worker: str
    options: dict[str, Any] = field(default_factory=dict)


PARTS = (
    Part("SFT", "saysel sft"),
    Part("PPO", "saysel ppo", {"gradient_checkpointing": False}),
    Part("PPO, checkpointing", "saysel ppo", {"gradient_checkpointing": True}),
    Part(
        "PPO, checkpointing and accumulation",
        "saysel ppo",
        {"gradient_checkpointing": True, "micro_batch_size": 2},
    ),
    Part("GRPO", "saysel grpo"),
    Part("sampling, transformers", "saysel transformers"),
    Part("sampling, vllm", "saysel vllm"),
)
ON_GPU = Settings(
    "", "bfloat16", lora=16, batch=32, micro=8, tokens=128, warmup=1, steps=1, turns=3
)
TINY = Settings("", "float32", lora=2, batch=4, micro=4, group=2, tokens=4, steps=1, turns=1)


def measure(part: Part, settings: Settings, limit: float) -> dict[str, Any]:
    """Medians over the turns of a part; if it fails, the reason."""
    if part.worker == "saysel vllm" and not find_spec("vllm"):
        return {"failed": "vLLM is not installed"}
    with tempfile.NamedTemporaryFile("w") as log:
        try:
            own = replace(settings, options=part.options)
            worker = Worker(sys.executable, part.worker, own, log.file, limit)
            turns = [worker.turn() for _ in range(settings.turns)]
        except RuntimeError as error:
            return {"failed": str(error)}
        worker.stop()
    seconds = median(turn["seconds"] for turn in turns) / settings.steps
    return {
        "seconds_per_step": round(seconds, 3),
        "samples_per_second": round(settings.batch / seconds, 2),
        "reply_tokens_per_second": round(
            median(turn["reply_tokens"] / turn["seconds"] for turn in turns), 1
        ),
        "peak_gb": round(max(turn["peak_mb"] for turn in turns) / 1024, 2),
    }


def table(results: dict[str, dict[str, Any]]) -> str:
    """The results as a Markdown table."""
    lines = [
        "| size | part | seconds per step | samples/s | reply tokens/s | peak memory, GB |",
        "|---|---|---|---|---|---|",
    ]
    for key, found in results.items():
        size, _, part = key.partition(": ")
        if "failed" in found:
            cells = [f"failed: {found['failed']}", "", "", ""]
        else:
            cells = [
                f"{found['seconds_per_step']:.2f}",
                f"{found['samples_per_second']:,.1f}",
                f"{found['reply_tokens_per_second']:,.0f}" if "SFT" not in part else "",
                f"{found['peak_gb']:.1f}",
            ]
        lines.append(" | ".join([f"| {size}", part, *cells]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["0.5B", "7B"])
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the results")
    given = parser.parse_args()
    cuda = torch.cuda.is_available()
    if not cuda and given.sizes != ["tiny"]:
        print("not measured: this machine has no GPU (try the script with --sizes tiny)")
        return
    device = torch.cuda.get_device_name() if cuda else "CPU"
    results_file = given.out / "results.json"
    results = json.loads(results_file.read_text()) if results_file.is_file() else {}
    deadline = time.monotonic() + TOTAL_SECONDS
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as directory:
            settings = replace(
                TINY if size == "tiny" else ON_GPU, model=build(size, Path(directory)).path
            )
            for part in PARTS:
                key = f"{size}: {part.name}"
                if key in results and "failed" not in results[key]:
                    continue
                limit = min(PART_SECONDS, deadline - time.monotonic())
                if limit <= 0:
                    print(f"{key}: no time left; run the script again for it")
                    continue
                results[key] = {**measure(part, settings, limit), "device": device}
                print(f"{key}: {results[key]}", flush=True)
                results_file.write_text(json.dumps(results, indent=1) + "\n")
                (given.out / "table.md").write_text(table(results))


if __name__ == "__main__":
    main()
