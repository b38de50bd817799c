"""The model of a run as a directory that transformers and vLLM load without saysel.

DIR/README.md                    the model card
DIR/adapter_config.json          an adapter, to load on top of its base; or with `merge`
DIR/config.json                  a whole model
DIR/model.safetensors …          the weights, and the tokenizer with its chat template
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from saysel import hf
from saysel.errors import StageError, UsageError
from saysel.export.card import card
from saysel.plan.stage import Cell, Plan, Stage
from saysel.records import ModelRef
from saysel.runs.resume import resume_advice
from saysel.storage import disk_error, read_json, write_json, write_text
from saysel.storage.models import read_model


def last_model(run: Path, plan: Plan, cell: Cell) -> tuple[Stage, ModelRef]:
    """The step that made a cell's last model, and where it lies.

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
        directory: made whole, or not at all.
        merge: add an adapter to the weights of its base; a whole model is one already.
        license: identifier for the card, as the hub knows it.

    Raises:
        UsageError: see `last_model`; something is in the directory already; or the model is one
            that the hub has, unchanged.
        DataError: the model cannot be loaded.
    """
    step, ref = last_model(run, plan, cell)
    if ref.adapter is None and not Path(ref.path).is_dir():
        raise UsageError(f"{run}: its model is {ref.path} as it is: there is nothing to export")
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"{directory}: something is there already: name another directory")
    # Beside its place under another name, then renamed.
    unfinished = directory.with_name(f".{directory.name}.tmp")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        adapter = ref.adapter is not None and not merge
        if ref.adapter is not None and merge:
            # Into whole weights: what is added to quantized ones is rounded away with them.
            whole = hf.load_model(replace(ref, quantization=None))
            hf.save(whole.merge_and_unload(), hf.load_tokenizer(ref), unfinished)
        else:
            _copy(Path(ref.adapter or ref.path), unfinished)
            if adapter:
                # An adapter that was named in the recipe need not have a tokenizer.
                hf.load_tokenizer(ref).save_pretrained(unfinished)
                _name_base(unfinished, ref.path)
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


def _name_base(adapter: Path, base: str) -> None:
    """Have an adapter name its base so that it is found from any working directory."""
    place = Path(base)
    path = adapter / "adapter_config.json"
    content = read_json(path)
    content["base_model_name_or_path"] = str(place.resolve()) if place.is_dir() else base
    write_json(path, content)


def _copy(model: Path, directory: Path) -> None:
    """A saved model's own files: no checkpoints, no second adapter that training kept beside."""
    for path in model.iterdir():
        if path.is_file() and path.name not in ("README.md", "training_args.bin"):
            shutil.copy2(path, directory / path.name)
