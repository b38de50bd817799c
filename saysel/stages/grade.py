"""Have a language model grade rationales from 0 to 10 (arXiv 2405.20974, section 3.1).

For comparison only: a grader of the family that wrote the training rationales is circular. It is
shown the question, every answer with its share of the fresh samples, and the rationale. As in the
paper, the first 100 usable questions are graded; usable is one with a rationale and at least one
answer besides the reply's own. Deviation: a grade that cannot be read is asked for again and then
missing, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from saysel.faithfulness.alternatives import explainable
from saysel.interfaces import Prompt
from saysel.plan.context import StageContext
from saysel.plan.estimates import (
    Amount,
    RequestEstimate,
    expected_questions,
    question_count,
    question_tokens,
    reply_limit,
    sampler_requests,
)
from saysel.plan.fingerprint import identity
from saysel.plan.stage import Cell, Stage
from saysel.prompting.quoting import NOTICE, quote
from saysel.recipes.faithfulness import Grader
from saysel.records import Grade, ModelRef, Question, Reflection
from saysel.replies.thoughts import blank_thoughts
from saysel.stages.evaluation import evaluation_questions
from saysel.stages.faithfulness import FaithfulnessStage
from saysel.stages.shards import Layout, Tick, map_shards, shard_seed
from saysel.storage import Shards

#: What a crash can cost. The shard is part of the seed: another size gives other grades.
GRADES_PER_SHARD = 20
PLACE = re.compile(r"\{(question|answers|rationale)\}")
#: A reply that ends in "Score: 7", or is a number and nothing else.
SCORE = re.compile(
    r"(?:Score[\s:*=]{1,4}|\A\s*)(\d{1,2}(?:\.\d+)?)(?:\s*/\s*10)?[\s.*]*\Z",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class GradeStage(Stage):
    """Have a language model grade rationales from 0 to 10."""

    stage: ClassVar[str] = "grade"

    grader: Grader

    @classmethod
    def cell_steps(cls, cell: Cell) -> Iterable[Stage]:
        """One step per model whose rationales are measured, if the recipe has a grader."""
        for measured in cell.of(FaithfulnessStage):
            if measured.options.grader is not None:
                yield cls(
                    recipe=cell.recipe,
                    inputs={"reflections": measured},
                    model=measured.model,
                    grader=measured.options.grader,
                )

    @property
    def name(self) -> str:
        return f"grade-{self.model}"

    def content(self) -> dict[str, Any]:
        return {"grader": identity(self.grader), "seed": self.recipe.seed}

    def work(self) -> Amount:
        split = self.recipe.evaluate.split
        grades = min(self.grader.questions, question_count(self.recipe, split))
        return Amount(grades, "grades", grades * reply_limit(self.grader.sampler))

    def requests(self) -> Iterator[RequestEstimate]:
        recipe, grader = self.recipe, self.grader
        faithfulness = recipe.evaluate.faithfulness
        samples = faithfulness.n if faithfulness else 0
        asked = expected_questions(recipe, recipe.evaluate.split)[: grader.questions]
        shown = question_tokens(asked) + len(asked) * (1 + samples) * reply_limit(recipe.sample)
        return sampler_requests(
            self.name,
            recipe,
            grader.sampler,
            prompts=len(asked),
            tokens=shown,
            model=grader.model.served_name(),
        )

    def run(self, context: StageContext) -> dict[str, Any]:
        recipe, grader = self.recipe, self.grader
        reflections = context.records(self.inputs["reflections"], Reflection)
        graded = [reflection for reflection in reflections if explainable(reflection)]
        graded = graded[: grader.questions]
        asked = evaluation_questions(context.run_directory, recipe)
        model = grader.model.prepare(
            recipe.source,
            recipe.format,
            context.directory / "grader",
            recipe.seed,
            context.progress,
        )
        stored = Shards(context.directory, Grade)
        map_shards(
            GradeShard(grader, model, {question.id: question for question in asked}, recipe.seed),
            graded,
            Layout(GRADES_PER_SHARD, len(graded), "grades"),
            stored,
            engine=recipe.engine,
            progress=context.progress,
        )
        grades = list(stored)
        return {"grades": len(grades), "missing": sum(grade.grade is None for grade in grades)}


@dataclass(frozen=True)
class GradeShard:
    """Asks for the grades of one shard.

    Attributes:
        questions: by id.
        seed: the recipe's.
    """

    grader: Grader
    model: ModelRef
    questions: Mapping[str, Question]
    seed: int

    def __call__(self, number: int, graded: Sequence[Reflection], tick: Tick) -> list[Grade]:
        seed = shard_seed(self.grader.sampler, "grade", self.seed, number)
        return grades(self.grader, self.model, self.questions, graded, seed)


def read_grade(reply: str) -> float | None:
    """The grade in [0, 10] that a grader's reply ends with, `None` if there is none."""
    found = SCORE.search(reply)
    grade = float(found[1]) if found else None
    return grade if grade is not None and grade <= 10 else None


def ask(prompt: str, question: Question, reflection: Reflection) -> Prompt:
    """The chat that asks for a grade; answers and rationale are quoted."""
    answers = "\n".join(
        f"- {quote(one.wordings[0])} ({one.share:.0%})" for one in reflection.meanings if one.share
    )
    parts = {
        "question": question.prompt,
        "answers": answers,
        "rationale": quote(reflection.rationale or ""),
    }
    # Not `format`: what is put in may hold braces.
    content = PLACE.sub(lambda place: parts[place[1]], prompt)
    return [{"role": "user", "content": f"{NOTICE}\n\n{content}"}]


def grades(
    grader: Grader,
    model: ModelRef,
    questions: Mapping[str, Question],
    reflections: Sequence[Reflection],
    seed: int,
) -> list[Grade]:
    """One grade for each rationale; those that cannot be read are asked for again."""
    found: list[float | None] = [None] * len(reflections)
    for attempt in range(grader.retries + 1):
        open_rows = [row for row, grade in enumerate(found) if grade is None]
        if not open_rows:
            break
        prompts = [
            ask(grader.prompt, questions[reflections[row].question_id], reflections[row])
            for row in open_rows
        ]
        # A rationale that the grader's server refuses has no grade; the others do.
        replies = grader.sampler.tolerate_refusals([]).sample(model, prompts, 1, seed + attempt)
        for row, (reply,) in zip(open_rows, replies, strict=True):
            found[row] = read_grade(blank_thoughts(reply.text).strip())
    return [Grade(one.question_id, grade) for one, grade in zip(reflections, found, strict=True)]
