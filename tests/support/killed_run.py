"""Run saysel in a process that kills itself at a chosen point.

The processes are forked from one that has already imported the heavy libraries, so that a test
pays for the stage and not for the imports.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

PROCESSES = get_context("forkserver")
PROCESSES.set_forkserver_preload(
    [
        *("torch", "datasets", "peft", "pyarrow.parquet", "jinja2", "numpy"),
        *("transformers.trainer", "transformers.models.llama.modeling_llama"),
        *("trl.trainer.sft_trainer", "sklearn.metrics", "saysel.runs.run", "saysel.stages.report"),
    ]
)


@dataclass(frozen=True)
class KillPoint:
    """The point at which a process kills itself.

    Attributes:
        stage: name of the step.
        file: a file of the step when it is renamed to its final name (`part-00001.parquet`);
            `optimizer.pt`: when a checkpoint of the Trainer is half-written;
            `model`: when the finished model is half-written.
        after: kill after the rename; otherwise before it, with half of the file written.
        units: kill after so many units of progress (steps, responses …) instead of at a file.
        number: the signal; SIGKILL cannot be caught.
    """

    stage: str
    file: str = ""
    after: bool = False
    units: int | None = None
    number: int = signal.SIGKILL

    def __str__(self) -> str:
        when = f"{'after' if self.after else 'in'} {self.file}" if self.file else "at work"
        return f"{self.stage} {when}"

    def end(self) -> None:
        os.kill(os.getpid(), self.number)

    def is_at(self, path: Path) -> bool:
        return path.name == self.file and (
            f"/{self.stage}-" in str(path) or path.parent.name == self.stage
        )


def run_command(said: Path, *arguments: str | Path, at: KillPoint | None = None) -> int:
    """Run a command and return its exit code, negative for a signal; its output goes to `said`."""
    process = PROCESSES.Process(target=_child, args=(str(said), list(map(str, arguments)), at))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _child(said: str, arguments: list[str], at: KillPoint | None) -> None:
    with open(said, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # A shell ignores SIGINT for processes that it starts in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import torch

    from saysel.cli import cli
    from saysel.stages import cluster, evaluate, rationale, sample, target

    torch.set_num_threads(1)
    # Small enough that every stage has several shards.
    sample.RESPONSES_PER_SHARD, evaluate.REPLIES_PER_SHARD = 24, 9
    cluster.QUESTIONS_PER_SHARD = rationale.QUESTIONS_PER_SHARD = 9
    target.QUESTIONS_PER_SHARD = 9
    if at is not None:
        _arm(at)
    cli(arguments, prog_name="saysel")


def _arm(at: KillPoint) -> None:
    import transformers

    from saysel import hf
    from saysel.hf import saving
    from saysel.runs.progress import StageProgress

    replace, advance, save = os.replace, StageProgress.advance, hf.save
    optimizer = transformers.Trainer._save_optimizer_and_scheduler

    def watched_replace(source: Any, target: Any, **options: Any) -> None:
        if not at.is_at(Path(target)):
            return replace(source, target, **options)
        if at.after:
            replace(source, target, **options)
        else:
            os.truncate(source, os.path.getsize(source) // 2)
        at.end()

    def watched_advance(progress: StageProgress, units: int = 1) -> None:
        advance(progress, units)
        if at.units is not None and progress.label == at.stage and progress.done >= at.units:
            at.end()

    def watched_optimizer(trainer: Any, directory: str) -> None:
        optimizer(trainer, directory)
        state = Path(directory, "optimizer.pt")
        if at.file == state.name and f"/{at.stage}-" in directory:
            os.truncate(state, state.stat().st_size // 2)
            at.end()

    def watched_save(model: Any, tokenizer: Any, directory: Path) -> None:
        save(model, tokenizer, directory)
        if at.is_at(directory):
            for path in directory.iterdir():
                os.truncate(path, path.stat().st_size // 2)
            at.end()

    os.replace = watched_replace
    Path.replace = lambda path, target: os.replace(path, target)  # type: ignore[assignment,return-value]
    StageProgress.advance = watched_advance  # type: ignore[method-assign]
    transformers.Trainer._save_optimizer_and_scheduler = watched_optimizer
    # Models built from scratch are saved through the first name, trained ones through the second.
    hf.save = saving.save = watched_save
