"""Make the base model available, or build it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from saysel.plan.context import StageContext
from saysel.plan.estimates import Amount
from saysel.plan.fingerprint import identity
from saysel.plan.stage import Cell, Stage


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelStage(Stage):
    """Make the base model available, or build it."""

    stage: ClassVar[str] = "model"
    makes_model: ClassVar[bool] = True

    @classmethod
    def cell_steps(cls, cell: Cell) -> Iterable[Stage]:
        yield cls(recipe=cell.recipe)

    def content(self) -> dict[str, Any]:
        recipe = self.recipe
        return {
            "model": identity(recipe.model),
            "source": identity(recipe.source),
            "format": identity(recipe.format),
            "seed": recipe.seed,
        }

    def work(self) -> Amount:
        return Amount(*self.recipe.model.work(self.recipe.source))

    def run(self, context: StageContext) -> dict[str, Any]:
        recipe = self.recipe
        model = recipe.model.prepare(
            recipe.source, recipe.format, context.directory, recipe.seed, context.progress
        )
        context.keep_model(model)
        return {}
