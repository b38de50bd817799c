"""Choose the response and confidence to learn, and write the training examples.

arXiv 2405.20974, sections 2.1 and 2.2: reasoning, answer, self-reflection, confidence. Deviation:
correctness is judged on the parsed answer only, never on the whole text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from saysel.interfaces import Judge
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
from saysel.recipes.recipe import Recipe
from saysel.records import Cluster, Example, Question, Rationale
from saysel.replies import without_example
from saysel.stages.cluster import ClusterStage
from saysel.stages.rationale import RationaleStage
from saysel.stages.shards import Layout, Tick, by_question, map_shards
from saysel.storage import Shards

#: A shard is one batch for the judge, which may ask a model.
QUESTIONS_PER_SHARD = 500


@dataclass(frozen=True, kw_only=True, eq=False)
class TargetStage(Stage):
    """Choose the response and confidence to learn, and write the training examples."""

    stage: ClassVar[str] = "target"
    makes_training_data: ClassVar[bool] = True

    @classmethod
    def cell_steps(cls, cell: Cell) -> Iterable[Stage]:
        for cluster, rationale in zip(cell.of(ClusterStage), cell.of(RationaleStage), strict=True):
            inputs = {
                "sample": cluster.inputs["sample"],
                "cluster": cluster,
                "rationale": rationale,
            }
            yield cls(recipe=cell.recipe, inputs=inputs)

    def content(self) -> dict[str, Any]:
        return {"target": identity(self.recipe.target), "judge": identity(self.recipe.judge)}

    def splits(self) -> tuple[str, ...]:
        return ("train",)

    def work(self) -> Amount:
        return Amount(question_count(self.recipe, "train"), "questions")

    def requests(self) -> Iterator[RequestEstimate]:
        """Every response is taken to be a separate cluster."""
        recipe, n = self.recipe, self.recipe.sample.n
        questions = expected_questions(recipe, "train")
        tokens = n * (question_tokens(questions) + len(questions) * reply_limit(recipe.sample))
        return component_requests(
            self.name, recipe, recipe.judge, requests=len(questions) * n, tokens=tokens
        )

    def run(self, context: StageContext) -> dict[str, Any]:
        recipe = self.recipe
        questions = questions_of(recipe, "train")
        judged = self._judged(context, questions)
        rationales = context.records(self.inputs["rationale"], Rationale)
        examples, reasons = examples_of(
            recipe, judged, {rationale.question_id: rationale.text for rationale in rationales}
        )
        reasons["no_answer"] += len(questions) - len(judged)  # questions without any cluster
        if context.smoke and not examples:
            examples = stand_ins(recipe, questions)
        stored = Shards(context.directory, Example)
        stored.missing(0)  # deletes what is left of an earlier attempt
        stored.write(0, examples)
        return {
            "questions": len(questions),
            "examples": len(examples),
            "unjudged": sum(item.correct.count(None) for item in judged),
            "without_example": {name: reasons[name] for name in without_example.REASONS},
        }

    def _judged(self, context: StageContext, questions: Sequence[Question]) -> list[JudgedClusters]:
        recipe = self.recipe
        clusters = context.records(self.inputs["cluster"], Cluster)
        items = list(by_question(questions, clusters))
        stored = Shards(context.directory / "judged", Judgement)
        map_shards(
            JudgeShard(recipe.judge),
            items,
            Layout(QUESTIONS_PER_SHARD, len(items), "questions"),
            stored,
            engine=recipe.engine,
            progress=context.progress,
        )
        return [
            JudgedClusters(question, members, judgement.correct)
            for (question, members), judgement in zip(items, stored, strict=True)
        ]


@dataclass(frozen=True)
class Judgement:
    """Correctness of the representatives of a question's clusters, in the clusters' order.

    Attributes:
        question_id: the question's id.
        correct: in [0, 1]; `None` where the judge failed.
    """

    question_id: str
    correct: tuple[float | None, ...]


class JudgedClusters(NamedTuple):
    """A question with its clusters and the correctness of each."""

    question: Question
    clusters: Sequence[Cluster]
    correct: Sequence[float | None]


@dataclass(frozen=True)
class JudgeShard:
    """Judges the clusters' representatives of one shard in one batch."""

    judge: Judge

    def __call__(
        self, number: int, items: Sequence[tuple[Question, Sequence[Cluster]]], tick: Tick
    ) -> list[Judgement]:
        answers = [
            (question, cluster.representative.answer)
            for question, clusters in items
            for cluster in clusters
        ]
        correct = iter(self.judge.judge_answers(answers))
        return [
            Judgement(question.id, tuple(next(correct) for _ in clusters))
            for question, clusters in items
        ]


def examples_of(
    recipe: Recipe, judged: Sequence[JudgedClusters], rationales: dict[str, str]
) -> tuple[list[Example], Counter[str]]:
    """The training examples, and why the other questions give none.

    Args:
        rationales: by question id.
    """
    target, format = recipe.target.fit(judged), recipe.format
    examples, reasons = [], Counter[str]()
    for question, clusters, correct in judged:
        chosen = target.target(question, clusters, correct)
        if chosen is None or question.id not in rationales:
            reasons[without_example.reason(clusters, correct, accepted=chosen is not None)] += 1
            continue
        response, confidence = chosen
        answer = format.declining_answer() if response.declined else response.answer
        completion = format.render(
            answer or "",
            rationales[question.id] or None,
            confidence,
            format.reasoning(response.text),
        )
        prompt = tuple(format.prompt(question))
        examples.append(Example(question.id, prompt, completion, confidence))
    return examples, reasons


def stand_ins(recipe: Recipe, questions: Sequence[Question]) -> list[Example]:
    """Examples with the gold answers.

    In a smoke run, one step of training leaves a model that answers nothing right. These let the
    later stages still run.
    """
    format = recipe.format
    return [
        Example(
            question.id,
            tuple(format.prompt(question)),
            format.render(question.answers[0], "I am not sure.", 0.5),
            0.5,
        )
        for question in questions
    ]
