"""The arguments and configurations of the Trainers of transformers and TRL."""

from __future__ import annotations

import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from saysel.hf import processes
from saysel.hf.hidden_states import LOGITS_PER_CHUNK
from saysel.hf.loading import device, silence_libraries

#: The first versions of TRL that compute the logits of a pass in chunks, by trainer.
LOGITS_IN_CHUNKS = {"sft": (1, 7), "grpo": (1, 15)}


def training_arguments(directory: Path, **options: Any) -> dict[str, Any]:
    """The arguments shared by all uses of the transformers Trainer, with `options` on top."""
    return {
        "output_dir": str(directory),
        "report_to": "none",
        "disable_tqdm": True,
        "logging_strategy": "no",
        "save_strategy": "steps",
        "save_total_limit": 2,
        "use_cpu": device() == "cpu",
        "dataloader_pin_memory": device() != "cpu",
        **options,
    }


def batch_arguments(batch_size: int, micro_batch_size: int) -> dict[str, int]:
    """Arguments for optimizer steps of `batch_size` rows in passes of at most `micro_batch_size`.

    The size of a pass is the largest that divides the batch: every step sees a whole batch. Several
    processes divide the batch; see `check_batch_size`.
    """
    own = max(1, batch_size // processes.count())
    largest = min(own, micro_batch_size)
    size = next(size for size in range(largest, 0, -1) if own % size == 0)
    return {"per_device_train_batch_size": size, "gradient_accumulation_steps": own // size}


def fine_tuning_arguments(
    checkpoints: Path,
    *,
    steps: int,
    warmup: float,
    learning_rate: float,
    batch_size: int,
    micro_batch_size: int,
    seed: int,
) -> dict[str, Any]:
    """The arguments of fine-tuning: linear decay, and about a hundred recorded losses.

    Args:
        warmup: share of the steps used for warm-up.
        batch_size, micro_batch_size: see `batch_arguments`.
    """
    return training_arguments(
        checkpoints,
        max_steps=steps,
        save_steps=max(10, min(100, steps // 4)),
        logging_strategy="steps",
        logging_steps=max(1, steps // 100),
        **batch_arguments(batch_size, micro_batch_size),
        learning_rate=learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=round(warmup * steps),
        seed=seed,
        data_seed=seed,
    )


def on_one_device(config: Any) -> Any:
    """Restrict the arguments of a transformers Trainer to the device that the model is on.

    On a machine with several accelerators a Trainer copies the model to all of them and takes as
    many batches in each step, whatever the batch size and the number of steps.
    """
    _ = config.n_gpu  # counts the accelerators, once
    config._n_gpu = 1
    return config


def trl_config(config_class: Any, **options: Any) -> Any:
    """A TRL configuration; on accelerators only, it trades time for memory and uses bfloat16."""
    silence_libraries()
    accelerated = device() != "cpu"
    with warnings.catch_warnings():
        # Versions deprecate options that the oldest supported one needs.
        warnings.simplefilter("ignore")
        config = config_class(gradient_checkpointing=accelerated, bf16=accelerated, **options)
    return on_one_device(config)


def sft_config(**options: Any) -> Any:
    """TRL's SFTConfig, see `trl_config`."""
    from trl import SFTConfig

    return trl_config(SFTConfig, **options)


def max_logits(trainer: Literal["sft", "grpo"]) -> float:
    """How many logits TRL's trainer computes at a time at most; infinity: those of a whole pass."""
    try:
        major, minor = version("trl").split(".")[:2]
    except PackageNotFoundError:  # its newest version will be installed
        return LOGITS_PER_CHUNK
    in_chunks = (int(major), int(minor)) >= LOGITS_IN_CHUNKS[trainer]
    return LOGITS_PER_CHUNK if in_chunks else float("inf")
