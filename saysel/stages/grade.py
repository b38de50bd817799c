"""Have a language model grade rationales from 0 to 10 (arXiv 2405.20974, section 3.1).

For comparison only: a grader of the family that wrote the training rationales is circular. It is
shown the question, every answer with its share of the fresh samples, and the rationale. As in the
paper, the first 100 usable questions are graded; usable is one with a rationale and at least one
answer besides the reply's own. Deviation: a grade that cannot be read is asked for again and then
missing, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from saysel.faithfulness.alternatives import explainable
from saysel.interfaces import Prompt
from saysel.prompting.quoting import NOTICE, quote
from saysel.recipes.faithfulness import Grader
from saysel.records import Grade, ModelRef, Question, Reflection
from saysel.replies.thoughts import blank_thoughts
from saysel.stages import StageContext, chunks, judged_on, shard_seed
from saysel.storage import Shards

#: Grades in a shard: what a crash can cost.
SHARD = 20
PLACE = re.compile(r"\{(question|answers|rationale)\}")
#: A reply that ends in "Score: 7", or is a number and nothing else.
SCORE = re.compile(
    r"(?:Score[\s:*=]{1,4}|\A\s*)(\d{1,2}(?:\.\d+)?)(?:\s*/\s*10)?[\s.*]*\Z",
    re.ASCII | re.IGNORECASE,
)


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


def run(work: StageContext) -> dict[str, Any]:
    recipe = work.recipe
    options = recipe.evaluate.faithfulness
    assert options is not None and options.grader is not None, "a grade step has its grader"
    grader = options.grader
    asked = {question.id: question for question in judged_on(work.run, recipe)}
    graded = [one for one in work.records("reflections", Reflection) if explainable(one)]
    parts = chunks(graded[: grader.questions], SHARD)
    stored = Shards(work.directory, Grade)
    model = grader.model.prepare(
        recipe.source, recipe.format, work.directory / "grader", recipe.seed, work.progress
    )
    work.progress.begin(sum(map(len, parts)), "grades")
    missing = stored.missing(len(parts))
    for number, part in enumerate(parts):
        if number in missing:
            seed = shard_seed(grader.sampler, "grade", recipe.seed, number)
            stored.write(number, grades(grader, model, asked, part, seed))
        work.progress.advance(len(part))
    found = list(stored)
    return {"grades": len(found), "missing": sum(one.grade is None for one in found)}
