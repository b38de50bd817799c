"""Write what the responses to each question disagree on (arXiv 2405.20974, section 2.1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from saysel.interfaces import RationaleWriter
from saysel.plan.context import StageContext
from saysel.plan.estimates import (
    Amount,
    RequestEstimate,
    component_requests,
    expected_questions,
    question_count,
    question_tokens,
    reply_limit,
)
from saysel.plan.fingerprint import identity
from saysel.plan.stage import Cell, Stage
from saysel.recipes.questions import questions as questions_of
from saysel.records import Cluster, Question, Rationale
from saysel.stages.cluster import ClusterStage
from saysel.stages.shards import Layout, Tick, by_question, map_shards
from saysel.storage import Shards

#: A shard is one batch for the writer, which may ask a model.
QUESTIONS_PER_SHARD = 500


@dataclass(frozen=True, kw_only=True, eq=False)
class RationaleStage(Stage):
    """Write what the responses to each question disagree on."""

    stage: ClassVar[str] = "rationale"
    makes_training_data: ClassVar[bool] = True

    @classmethod
    def cell_steps(cls, cell: Cell) -> Iterable[Stage]:
        for cluster in cell.of(ClusterStage):
            yield cls(recipe=cell.recipe, inputs={"cluster": cluster})

    def content(self) -> dict[str, Any]:
        return {"writer": identity(self.recipe.rationale)}

    def splits(self) -> tuple[str, ...]:
        return ("train",)

    def work(self) -> Amount:
        return Amount(question_count(self.recipe, "train"), "questions")

    def requests(self) -> Iterator[RequestEstimate]:
        recipe = self.recipe
        questions = expected_questions(recipe, "train")
        shown = recipe.rationale.responses_shown(recipe.sample.n)
        tokens = question_tokens(questions) + len(questions) * shown * reply_limit(recipe.sample)
        return component_requests(
            self.name, recipe, recipe.rationale, requests=len(questions), tokens=tokens
        )

    def run(self, context: StageContext) -> dict[str, Any]:
        recipe = self.recipe
        questions = questions_of(recipe, "train")
        stored = Shards(context.directory, Rationale)
        count = map_shards(
            RationaleShard(recipe.rationale),
            by_question(questions, context.records(self.inputs["cluster"], Cluster)),
            Layout(QUESTIONS_PER_SHARD, len(questions), "questions"),
            stored,
            engine=recipe.engine,
            progress=context.progress,
        )
        return {"questions": count, "missing": count - sum(1 for _ in stored)}


@dataclass(frozen=True)
class RationaleShard:
    """Writes the rationales of one shard."""

    writer: RationaleWriter

    def __call__(
        self, number: int, items: Sequence[tuple[Question, Sequence[Cluster]]], tick: Tick
    ) -> list[Rationale]:
        return [rationale for rationale in self.writer.write(items) if rationale is not None]
