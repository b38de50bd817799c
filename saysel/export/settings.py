"""`saysel.json` of an exported model: how saysel asks it, and how it loads an adapter's base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from saysel import __version__, hf
from saysel.errors import DataError, RecipeError
from saysel.recipes.recipe import Recipe, load
from saysel.records import ModelRef
from saysel.stages.evaluation import evaluation_sampler
from saysel.storage import read_json, write_json

FILE = "saysel.json"


def write_settings(directory: Path, recipe: Recipe, ref: ModelRef, adapter: bool) -> None:
    """Write the settings next to an exported model.

    Args:
        recipe: that made it.
        ref: the model in its run.
        adapter: whether the export is an adapter. Then its base is loaded as in the run; the
            path of the base is in the adapter's own configuration.
    """
    base = {"revision": ref.revision, "dtype": ref.dtype, "gguf": ref.gguf} if adapter else {}
    content = {
        "saysel": __version__,
        "format": recipe.format.model_dump(mode="json"),
        "temperature": recipe.evaluate.temperature,
        "max_tokens": evaluation_sampler(recipe).reply_limit(),
        "base": {key: value for key, value in base.items() if value is not None},
    }
    write_json(directory / FILE, content)


def read_settings(directory: Path) -> tuple[Recipe, ModelRef] | None:
    """A recipe that asks an exported model as its run did, and the model.

    Returns:
        `None` if the directory has no settings.

    Raises:
        DataError: the settings cannot be read, or their format is not installed.
    """
    path = directory / FILE
    if not path.is_file():
        return None
    remedy = "export the model again, or delete this file"
    content = read_json(path, remedy)
    try:
        return _recipe(content), replace(hf.model_at(str(directory)), **content["base"])
    except (TypeError, KeyError) as error:
        raise DataError(f"{path}: cannot be read: {remedy}") from error
    except RecipeError as error:
        raise DataError(f"{path}: {str(error).splitlines()[-1].strip()}") from error


def _recipe(content: Mapping[str, Any]) -> Recipe:
    limit = content["max_tokens"]
    return load(
        {
            "name": "ask",
            "source": "witness",
            "format": content["format"],
            "sample": {"use": "transformers", **({} if limit is None else {"max_tokens": limit})},
            "evaluate": {"temperature": content["temperature"]},
        }
    )
