"""Choose the response and confidence to learn, and write the examples.

arXiv 2405.20974, sections 2.1 and 2.2: reasoning, answer, self-reflection, confidence. Deviation:
correctness is judged on the parsed answer only, never on the whole text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from saysel.records import Cluster, Example, Question, Rationale
from saysel.stages import StageContext, by_question, chunks
from saysel.storage import Shards, intact_record, write_record

#: Questions whose answers are judged at a time: what a crash can cost.
SHARD = 500


def run(work: StageContext) -> dict[str, Any]:
    recipe, format = work.recipe, work.recipe.format
    questions = work.questions("train")
    clusters = list(by_question(questions, work.records("cluster", Cluster)))
    rationales = {
        rationale.question_id: rationale for rationale in work.records("rationale", Rationale)
    }
    work.progress.begin(len(clusters), "questions")
    judged = [
        (question, members, correct)
        for number, part in enumerate(chunks(clusters, SHARD))
        for (question, members), correct in zip(part, verdicts(work, number, part), strict=True)
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
    stored = Shards(work.directory, Example)
    stored.missing(0)  # deletes what is left of an earlier attempt
    stored.write(0, examples)
    return {"questions": len(questions), "examples": len(examples), "unjudged": unjudged}


def verdicts(
    work: StageContext, number: int, part: Sequence[tuple[Question, Sequence[Cluster]]]
) -> list[list[float | None]]:
    """Correctness of every cluster's representative, question by question, kept part by part.

    A part is judged in one batch: a judge may call a model or a network.
    """
    path = work.directory / f"verdicts-{number:05}.json"
    known = intact_record(path)
    if known is None or known["part"] != number:
        found = iter(
            work.recipe.judge.judge(
                [
                    (question, cluster.representative.answer or "")
                    for question, clusters in part
                    for cluster in clusters
                ]
            )
        )
        judged = [[next(found) for _ in clusters] for _, clusters in part]
        known = {"part": number, "verdicts": judged}
        write_record(path, known)
    work.progress.advance(len(part))
    verdicts: list[list[float | None]] = known["verdicts"]
    return verdicts
