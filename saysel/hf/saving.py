"""Saving models, adapters and their tokenizers as pretrained directories."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from saysel.hf import master_weights, processes, sharding
from saysel.records import ModelRef


def save(model: Any, tokenizer: Any, directory: Path, **options: Any) -> None:
    """Save a model (or adapter) and its tokenizer as a pretrained directory, replacing another.

    Args:
        options: passed to `save_pretrained` of the model.
    """
    shutil.rmtree(directory, ignore_errors=True)  # an interrupted process may have left a part
    with warnings.catch_warnings():
        # PEFT looks whether the base has another vocabulary, and warns where it finds no base.
        warnings.filterwarnings("ignore", "Could not find a config file")
        model.save_pretrained(directory, **options)
    tokenizer.save_pretrained(directory)


def base_name(path: str) -> str:
    """The name by which an adapter's configuration finds its base: a hub id, or an absolute path.

    A relative path would be read as a hub id elsewhere, and name a stranger's repository.
    """
    return str(Path(path).resolve()) if Path(path).is_dir() else path


def save_trained(model: Any, tokenizer: Any, base: ModelRef, directory: Path) -> ModelRef:
    """Save a trained model: its adapter if it has one, otherwise the whole model.

    In a run of several processes all of them have to call it, and the first one saves.

    A whole model is saved in the dtype in which it was loaded, and `model` is converted to it.

    Args:
        base: the model that training started from.
    """
    from peft import PeftModel

    sharding.unshard(model)
    if isinstance(model, PeftModel):
        for config in model.peft_config.values():
            config.base_model_name_or_path = base_name(base.path)
            config.revision = base.revision
        trained = replace(base, adapter=str(directory))
    else:
        trained = replace(base, path=str(directory), revision=None, adapter=None, gguf=None)
    if processes.rank() == 0:
        if trained.adapter is None:
            master_weights.to_model_dtype(model)
        save(model, tokenizer, directory)
    return trained
