"""Make the base model available, or build it."""

from __future__ import annotations

from typing import Any

from saysel.stages import StageContext, write_model


def run(work: StageContext) -> dict[str, Any]:
    recipe = work.recipe
    ref = recipe.model.prepare(
        recipe.source, recipe.format, work.directory, recipe.seed, work.progress
    )
    write_model(work.run, work.directory, ref)
    return {}
