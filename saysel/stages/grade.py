"""Have a language model grade rationales from 0 to 10 (arXiv 2405.20974, section 3.1).

For comparison only: a grader of the family that wrote the training rationales is circular. The
grader sees the question, every answer with its share of the fresh samples, and the rationale. As in
the paper, the first 100 usable questions are graded: those with a rationale and at least one answer
other than the reply's. Deviation: a grade that cannot be read is requested again, and missing after
the last attempt, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from saysel.costs.tokens import likely_prompt_tokens
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
from saysel.prompting.llm import ask, fill
from saysel.prompting.quoting import quote
from saysel.recipes.faithfulness import Grader
from saysel.records import Grade, ModelRef, Question, Reflection
from saysel.stages.evaluation import evaluation_questions, evaluation_sampler
from saysel.stages.faithfulness import FaithfulnessStage
from saysel.stages.shards import Layout, Tick, map_shards, shard_seed
from saysel.storage import Shards

#: What a crash can cost. The shard is part of the seed: another size gives other grades.
GRADES_PER_SHARD = 20
#: What a grader's prompt shows.
PLACEHOLDERS = ("{question}", "{answers}", "{rationale}")
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
        options = cell.recipe.evaluate.faithfulness
        if options is None or options.grader is None:
            return
        for measured in cell.of(FaithfulnessStage):
            yield cls(
                recipe=cell.recipe,
                inputs={"reflections": measured},
                model=measured.model,
                grader=options.grader,
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
        questions = expected_questions(recipe, recipe.evaluate.split)[: grader.questions]
        longest = reply_limit(evaluation_sampler(recipe))
        shown = question_tokens(questions) + len(questions) * (1 + samples) * longest
        words = likely_prompt_tokens(fill(grader.prompt, dict.fromkeys(PLACEHOLDERS, "")))
        return sampler_requests(
            self.name,
            recipe,
            grader.sampler,
            prompts=len(questions),
            tokens=shown + len(questions) * words,
            model=grader.model.served_name(),
        )

    def run(self, context: StageContext) -> dict[str, Any]:
        recipe, grader = self.recipe, self.grader
        reflections = context.records(self.inputs["reflections"], Reflection)
        graded = [reflection for reflection in reflections if explainable(reflection)]
        graded = graded[: grader.questions]
        questions = evaluation_questions(context.run_directory, recipe)
        model = grader.model.prepare(
            recipe.source,
            recipe.format,
            context.directory / "grader",
            recipe.seed,
            context.progress,
        )
        stored = Shards(context.directory, Grade)
        map_shards(
            GradeShard(
                grader, model, {question.id: question for question in questions}, recipe.seed
            ),
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
    """The grade in [0, 10] at the end of a grader's reply; `None` if there is none."""
    match = SCORE.search(reply)
    grade = float(match[1]) if match else None
    return grade if grade is not None and grade <= 10 else None


def grading_prompt(prompt: str, question: Question, reflection: Reflection) -> Prompt:
    """The chat that asks for a grade; answers and rationale are quoted."""
    answers = "\n".join(
        f"- {quote(meaning.wordings[0])} ({meaning.share:.0%})"
        for meaning in reflection.meanings
        if meaning.share
    )
    return fill(
        prompt,
        {
            "{question}": question.prompt,
            "{answers}": answers,
            "{rationale}": quote(reflection.rationale or ""),
        },
    )


def grades(
    grader: Grader,
    model: ModelRef,
    questions: Mapping[str, Question],
    reflections: Sequence[Reflection],
    seed: int,
) -> list[Grade]:
    """One grade per rationale, which is `None` if the server refuses it or no reply is usable."""
    prompts = [
        grading_prompt(grader.prompt, questions[reflection.question_id], reflection)
        for reflection in reflections
    ]
    answers = ask(grader.sampler, model, prompts, read_grade, retries=grader.retries, seed=seed)
    return [
        Grade(reflection.question_id, grade)
        for reflection, grade in zip(reflections, answers.read, strict=True)
    ]
