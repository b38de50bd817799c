"""The model of a run as a directory that transformers and vLLM load without saysel.

DIR/README.md                    the model card
DIR/adapter_config.json          an adapter, to load on top of its base model; or with `merge`
DIR/config.json                  a complete model
DIR/model.safetensors …          the weights, and the tokenizer with its chat template
DIR/saysel.json                  how saysel asks it, for `saysel ask DIR`
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from saysel import hf
from saysel.errors import StageError, UsageError
from saysel.export.card import card
from saysel.export.settings import write_settings
from saysel.plan.stage import Cell, Plan, Stage
from saysel.records import ModelRef
from saysel.runs.resume import resume_advice
from saysel.storage import disk_error, read_json, write_json, write_text
from saysel.storage.models import read_model


def last_model(run: Path, plan: Plan, cell: Cell) -> tuple[Stage, ModelRef]:
    """The step that made a cell's last model, and the model.

    Raises:
        UsageError: the cell has no model yet.
    """
    made = [step for step in cell.steps if step.makes_model and step.is_done(run)]
    if not made:
        advice = resume_advice(run, plan, cell.steps[0])
        raise UsageError(f"{run}: the run has not made a model yet: {advice}")
    return made[-1], read_model(run, made[-1].directory_in(run))


def write_model(
    run: Path, plan: Plan, cell: Cell, directory: Path, merge: bool, license: str
) -> Path:
    """Write a cell's last model with its card.

    Args:
        directory: appears complete or not at all.
        merge: add an adapter to the weights of its base model.
        license: identifier for the card, as the hub uses it.

    Raises:
        UsageError: see `last_model`; the directory is not empty; or the model is an unchanged one
            of the hub or a GGUF file.
        DataError: the model cannot be loaded.
    """
    step, ref = last_model(run, plan, cell)
    if ref.adapter is None and (ref.gguf or not Path(ref.path).is_dir()):
        name = "/".join(filter(None, (ref.path, ref.gguf)))
        raise UsageError(f"{run}: its model is {name}, unchanged: there is nothing to export")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory} is not empty: name another directory")
    # Written under another name in the same folder, then renamed.
    unfinished = directory.with_name(f".{directory.name}.tmp")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        adapter = _write_weights(ref, merge, unfinished)
        write_settings(unfinished, step.recipe, ref, adapter)
        text = card(run, cell, step, ref, adapter=adapter, license=license)
        write_text(unfinished / "README.md", text)
        if directory.exists():
            directory.rmdir()
        unfinished.replace(directory)
    except OSError as error:
        raise disk_error(error, directory) from error
    except shutil.Error as error:
        raise StageError(f"{directory}: cannot be written ({error})") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return directory


def _write_weights(ref: ModelRef, merge: bool, directory: Path) -> bool:
    """Write weights and tokenizer; returns whether they are an adapter's."""
    if ref.adapter is not None and merge:
        # Into unquantized weights: quantized ones would round the adapter away.
        whole = hf.load_model(replace(ref, quantization=None))
        hf.save(whole.merge_and_unload(), hf.load_tokenizer(ref), directory)
        return False
    _copy(Path(ref.adapter or ref.path), directory)
    if ref.adapter is None:
        return False
    # An adapter that the recipe names may come without a tokenizer.
    hf.load_tokenizer(ref).save_pretrained(directory)
    _name_base(directory, ref)
    return True


def _name_base(adapter: Path, ref: ModelRef) -> None:
    """Let an adapter name its base model so that it is found from any working directory."""
    path = adapter / "adapter_config.json"
    content = read_json(path)
    content["base_model_name_or_path"] = hf.base_name(ref.path)
    content["revision"] = ref.revision
    write_json(path, content)


def _copy(model: Path, directory: Path) -> None:
    """Copy a saved model's own files, without checkpoints and subfolders."""
    for path in model.iterdir():
        if path.is_file() and path.name not in ("README.md", "training_args.bin"):
            shutil.copy2(path, directory / path.name)
