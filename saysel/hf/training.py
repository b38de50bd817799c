"""Training with the Trainer of transformers: its loop, checkpoints and callbacks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import fmean
from typing import Any

from saysel.errors import StageError
from saysel.hf import data_parallel, master_weights, processes, sharding
from saysel.hf.interruption import Interruption, defer_interrupt
from saysel.hf.loading import silence_libraries
from saysel.hf.update_guard import guard_callback
from saysel.interfaces import Progress, TrainingData
from saysel.storage import finish, whole

#: Marker file in a checkpoint directory, written once everything else is on disk; lists the files.
COMPLETE = "complete.json"
#: The label that the loss of transformers ignores.
IGNORED_LABEL = -100


def reply_trainer(**options: Any) -> Any:
    """A transformers Trainer that computes logits only where a reply of the batch has a token.

    Most of a document is its prompt: leaving out its logits saves a third of the time.
    """
    silence_libraries()
    import torch
    from transformers import Trainer

    class ReplyTrainer(Trainer):  # type: ignore[misc]
        def compute_loss(self, model: Any, inputs: Any, *_: Any, **__: Any) -> Any:
            labels = inputs["labels"][:, 1:]  # [B, L - 1], of the next token
            positions = (labels != IGNORED_LABEL).any(0).nonzero()[:, 0]  # [K]
            logits = model(
                input_ids=inputs["input_ids"], use_cache=False, logits_to_keep=positions
            ).logits  # [B, K, V]
            return torch.nn.functional.cross_entropy(
                logits.flatten(0, 1).float(),
                labels[:, positions].flatten(),
                ignore_index=IGNORED_LABEL,
            )

    return ReplyTrainer(**options)


def fit(
    trainer: Any,
    directory: Path,
    name: str = "training",
    log: Callable[..., None] | None = None,
    keeps: Callable[[], bool] | None = None,
) -> None:
    """Run a transformers Trainer, resuming from its last complete checkpoint in `directory`.

    A checkpoint without its marker, left by a killed process, is skipped, and so is one whose
    files were damaged later. Updates that are not finite are skipped. After Ctrl-C a checkpoint
    is saved before training stops.

    In a run of several processes all of them have to call it, and each batch is divided among
    them.

    Args:
        name: the trainer's name, for messages.
        log: records training figures, like `TrainingData.log`.
        keeps: whether a checkpoint of the present step would be worth resuming from; `None`: all.

    Raises:
        StageError: several updates in a row were not finite, or the last checkpoint is of a
            sharded model and this one is not, or the other way round.
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    silence_libraries()
    master_weights.to_float32(trainer.model)  # TRL casts adapters of quantized models to bfloat16
    from transformers import PrinterCallback

    data_parallel.divide(trainer)
    checkpoint = processes.gather(_last_checkpoint(directory, trainer.args.max_steps))[0]
    if checkpoint is not None and sharding.was_sharded(checkpoint) != processes.sharded():
        option = "without --shard" if processes.sharded() else "with --shard"
        raise StageError(
            f"{name}: {checkpoint} was saved {option}: continue {option}, or delete {directory} to "
            "train from the start"
        )
    trainer.remove_callback(PrinterCallback)
    with warnings.catch_warnings(), defer_interrupt() as interruption:
        for callback in (*_checkpoint_callbacks(interruption, keeps), guard_callback(name, log)):
            trainer.add_callback(callback)
        # Torch warns about pinned memory and the order of schedulers inside the Trainer.
        warnings.simplefilter("ignore")
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if interruption.requested:
        raise KeyboardInterrupt


def _last_checkpoint(directory: Path, max_steps: int) -> Path | None:
    """The last complete checkpoint before the final step; `None` if there is none.

    Resuming from a checkpoint of the final step would make the Trainer take one step too many.
    """
    steps = [
        int(marker.parent.name.rpartition("-")[2])
        for marker in directory.glob(f"checkpoint-*/{COMPLETE}")
        if whole(marker.parent, COMPLETE)
    ]
    last = max((step for step in steps if step < max_steps), default=None)
    return directory / f"checkpoint-{last}" if last else None


def _checkpoint_callbacks(
    interruption: Interruption, keeps: Callable[[], bool] | None
) -> Iterable[Any]:
    """Callbacks that mark complete checkpoints, and save one before stopping after Ctrl-C.

    Args:
        keeps: see `fit`.
    """
    from transformers import TrainerCallback

    class MarkComplete(TrainerCallback):  # type: ignore[misc]
        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if processes.rank() == 0:
                finish(Path(args.output_dir) / f"checkpoint-{state.global_step}", {}, COMPLETE)

    class SaveAndStop(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if keeps is not None and not keeps():
                control.should_save = False
            interruption.requested = any(processes.gather(interruption.requested))
            if interruption.requested:
                control.should_save = control.should_training_stop = True

    return MarkComplete(), SaveAndStop()


def progress_callback(progress: Progress) -> Any:
    """A Trainer callback that reports each optimizer step to saysel's progress."""
    from transformers import TrainerCallback

    class ReportProgress(TrainerCallback):  # type: ignore[misc]
        def __init__(self) -> None:
            self.reported = 0

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            # A resumed run starts after step 0.
            progress.advance(state.global_step - self.reported)
            self.reported = state.global_step

    return ReportProgress()


def log_callback(
    data: TrainingData, names: dict[str, str], others: Callable[[], dict[str, float]] = dict
) -> Any:
    """A Trainer callback that records what the Trainer logs about its updates.

    Args:
        names: the Trainer's name of a figure, and the name under which it is recorded.
        others: further figures to record with each step.
    """
    from transformers import TrainerCallback

    class LogFigures(TrainerCallback):  # type: ignore[misc]
        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            if logs and "loss" in logs:
                everywhere = processes.gather({key: float(logs[key]) for key in logs})
                figures = {
                    names[key]: fmean(logs[key] for logs in everywhere)
                    for key in names
                    if key in logs
                }
                data.log(step=float(state.global_step), **others(), **figures)

    return LogFigures()
