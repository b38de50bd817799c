"""A third-party stage: how many words the responses have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from saysel.plan.context import StageContext
from saysel.plan.estimates import Amount, question_count
from saysel.plan.stage import Cell, Stage
from saysel.records import Response
from saysel.stages.sample import SampleStage


@dataclass(frozen=True, kw_only=True, eq=False)
class LengthStage(Stage):
    """Count the words of the responses."""

    stage: ClassVar[str] = "length"
    makes_training_data: ClassVar[bool] = True

    @classmethod
    def cell_steps(cls, cell: Cell) -> Iterable[Stage]:
        for sample in cell.of(SampleStage):
            yield cls(recipe=cell.recipe, inputs={"sample": sample})

    def content(self) -> dict[str, Any]:
        return {"unit": "words"}

    def work(self) -> Amount:
        return Amount(question_count(self.recipe, "train"), "questions")

    def run(self, context: StageContext) -> dict[str, Any]:
        responses = context.records(self.inputs["sample"], Response)
        return {"words": sum(len(response.text.split()) for response in responses)}
