"""What the framework adds to the time of sampling: questions, parsing, records, storage, progress.

    python benchmarks/sampling/overhead.py
    python benchmarks/sampling/overhead.py --model runs/quickstart/stages/model-*/model

Runs the quickstart with a model of 0.3 million parameters up to its sampled responses, with a
sampler that adds up the seconds between being asked for a prompt's replies and giving them. What
the stage took beyond that is the framework's. The stage is done again in every turn; the model is
built once, unless `--model` names one. Prints a line per turn.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import saysel
from saysel import registry
from saysel.cli import cli
from saysel.interfaces import Prompt
from saysel.records import Generation, ModelRef
from saysel.samplers.transformers import TransformersSampler
from saysel.storage import read_json

spent = 0.0


class TimedSampler(TransformersSampler):
    """The sampler `transformers`, with a stopwatch."""

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        global spent
        drawn = super().sample(model, prompts, n, seed)
        for _ in prompts:
            began = time.perf_counter()
            replies = next(drawn)
            spent += time.perf_counter() - began
            yield replies


class Stopwatch:
    """A plugin that brings it."""

    @saysel.hookimpl
    def saysel_samplers(self) -> dict[str, str]:
        return {"timed": f"{__name__}:TimedSampler"}


def main() -> None:
    global spent
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--model", help="directory of a model to sample from instead")
    parser.add_argument("--out", type=Path, default=Path("runs/sampling-overhead"))
    given = parser.parse_args()
    registry.current().add(Stopwatch(), "sampling-benchmark", saysel.__version__)
    command = ["run", "quickstart", "--out", str(given.out), "--until", "sample"]
    named = f"model={{use: pretrained, path: {given.model}, dtype: float32}}"
    command += ["--set", named if given.model else "model.width=96", "--set", "sample.use=timed"]
    for _ in range(given.turns):
        for stage in given.out.glob("stages/sample-*"):
            shutil.rmtree(stage)
        spent = 0.0
        cli(command, standalone_mode=False)
        (sample,) = (
            stage
            for name, stage in read_json(given.out / "manifest.json")["stages"].items()
            if name == "sample"
        )
        beside = sample["seconds"] - spent
        print(
            f"{sample['tokens']:,} tokens in {sample['seconds']:.2f} s, {beside:.2f} s of it not "
            f"in the sampler: {beside / spent:.1%}"
        )


if __name__ == "__main__":
    main()
