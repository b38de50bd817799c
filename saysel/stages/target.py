"""Choose the response and confidence to learn, and write the examples.

arXiv 2405.20974, sections 2.1 and 2.2: reasoning, answer, self-reflection, confidence. Deviation:
correctness is judged on the parsed answer only, never on the whole text.
"""

from __future__ import annotations

from typing import Any

from saysel.records import Cluster, Example, Rationale
from saysel.stages import Work, by_question
from saysel.storage import Shards


def run(work: Work) -> dict[str, Any]:
    recipe, format = work.recipe, work.recipe.format
    questions = work.questions("train")
    clusters = by_question(questions, work.records("cluster", Cluster))
    rationales = {
        rationale.question_id: rationale for rationale in work.records("rationale", Rationale)
    }
    work.progress.begin(len(questions), "questions")
    # All representatives are judged in one batch: a judge may call a model or a network.
    asked = [
        (question, cluster.representative.answer or "")
        for question, members in clusters
        for cluster in members
    ]
    verdicts = iter(recipe.judge.judge(asked))
    judged = [
        (question, members, [next(verdicts) for _ in members]) for question, members in clusters
    ]
    target = recipe.target.fit(judged)
    examples = []
    unjudged = 0
    for question, members, correct in judged:
        unjudged += correct.count(None)
        chosen = target.target(question, members, correct)
        if chosen is None or question.id not in rationales:
            continue
        response, confidence = chosen
        examples.append(
            Example(
                question.id,
                tuple(format.prompt(question)),
                format.render(
                    response.answer or "",
                    rationales[question.id].text or None,
                    confidence,
                    format.reasoning(response.text),
                ),
                confidence,
            )
        )
    work.progress.advance(len(questions))
    if work.smoke and not examples:
        # One step of training leaves a model that answers nothing right. The gold answers stand
        # in, so that the stages behind this one are walked all the same.
        examples = [
            Example(
                question.id,
                tuple(format.prompt(question)),
                format.render(question.answers[0], "I am not sure.", 0.5),
                0.5,
            )
            for question in questions
        ]
    Shards(work.directory, Example).write(0, examples)
    return {"questions": len(questions), "examples": len(examples), "unjudged": unjudged}
