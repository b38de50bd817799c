"""Group the responses of each question by meaning (arXiv 2405.20974, section 2.1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from saysel.interfaces import Clusterer
from saysel.plan.context import StageContext
from saysel.plan.estimates import Amount, question_count
from saysel.plan.fingerprint import identity
from saysel.plan.stage import Cell, Stage
from saysel.recipes.questions import questions as questions_of
from saysel.records import Cluster, Question, Response
from saysel.stages.sample import SampleStage
from saysel.stages.shards import Layout, Tick, by_question, map_shards
from saysel.storage import Shards

QUESTIONS_PER_SHARD = 500


@dataclass(frozen=True, kw_only=True, eq=False)
class ClusterStage(Stage):
    """Group the responses of each question by meaning."""

    stage: ClassVar[str] = "cluster"
    makes_training_data: ClassVar[bool] = True

    @classmethod
    def cell_steps(cls, cell: Cell) -> Iterable[Stage]:
        for sample in cell.of(SampleStage):
            yield cls(recipe=cell.recipe, inputs={"sample": sample})

    def content(self) -> dict[str, Any]:
        return {"clusterer": identity(self.recipe.cluster)}

    def splits(self) -> tuple[str, ...]:
        return ("train",)

    def work(self) -> Amount:
        return Amount(question_count(self.recipe, "train"), "questions")

    def run(self, context: StageContext) -> dict[str, Any]:
        recipe = self.recipe
        questions = questions_of(recipe, "train")
        map_shards(
            ClusterShard(recipe.cluster),
            by_question(questions, context.records(self.inputs["sample"], Response)),
            Layout(QUESTIONS_PER_SHARD, len(questions), "questions"),
            Shards(context.directory, Cluster),
            engine=recipe.engine,
            progress=context.progress,
        )
        return {"questions": len(questions)}


@dataclass(frozen=True)
class ClusterShard:
    """Groups the responses of one shard."""

    clusterer: Clusterer

    def __call__(
        self, number: int, items: Sequence[tuple[Question, Sequence[Response]]], tick: Tick
    ) -> list[Cluster]:
        clusters: list[Cluster] = []
        for question, responses in items:
            clusters += self.clusterer.cluster(question, responses)
            tick(1)
        return clusters
