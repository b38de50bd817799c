"""Score the predictions and draw the report."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from saysel.faithfulness.measures import measure
from saysel.plan.plan import Cell, Plan, Step
from saysel.records import Grade, Prediction, Question, Reflection
from saysel.report import IDEAL, Rationales, Report, Row, write
from saysel.scoring import clusters_of, score, to_arrays
from saysel.stages import judged_on, stage_directory, stored
from saysel.storage import finished


def draw(run: Path, plan: Plan, manifest: dict[str, Any]) -> tuple[Row, ...]:
    """Write the report of a run whose predictions are there; returns its rows."""
    # There is one page: once it is drawn anew, it is no other recipe's any more.
    for other in (run / "stages").glob("report-*"):
        if other.name != plan.report.directory:
            shutil.rmtree(other)
    recipe = plan.report.recipe
    rows = [row for cell in plan.cells for row in _rows(run, cell)]
    report = Report(
        name=recipe.name,
        title=recipe.report.title or recipe.name,
        recipe=recipe.resolved(),
        manifest=manifest,
        rows=tuple(rows),
        questions={
            cell.label: {question.id: question for question in judged_on(run, cell.recipe)}
            for cell in plan.cells
        },
        clusters=_clusters(rows),
        rationales=tuple(one for cell in plan.cells for one in _rationales(run, cell)),
    )
    write(report, run / "report")
    return tuple(rows)


def _rows(run: Path, cell: Cell) -> list[Row]:
    """A cell's rows: every model under every estimator, then the ideal observer."""
    asked = judged_on(run, cell.recipe)
    clusters = clusters_of(asked, cell.recipe.evaluate.cluster)
    rows = []
    for step in cell.evaluations():
        place = stage_directory(run, step)
        row = _row(cell, step.model, _estimator(step), list(stored(place, Prediction)), clusters)
        timed = (finished(place) or {}).get("seconds_per_question")
        rows.append(replace(row, seconds=timed))
    ideal = _ideal(cell, asked)
    return [*rows, _row(cell, IDEAL, IDEAL, ideal, clusters)] if ideal else rows


def _row(
    cell: Cell,
    model: str,
    estimator: str,
    predictions: list[Prediction],
    clusters: Mapping[str, str],
) -> Row:
    evaluate = cell.recipe.evaluate
    scores = score(to_arrays(predictions, clusters), evaluate.metrics, seed=cell.recipe.seed)
    return Row(
        cell.label,
        model,
        estimator,
        evaluate.split,
        tuple(predictions),
        tuple(scores),
        sum(prediction.correct is not None for prediction in predictions),
        metrics=evaluate.metrics,
        clusters=clusters,
    )


def _estimator(step: Step) -> str:
    return step.name.removeprefix(f"evaluate-{step.model}-")


def _ideal(cell: Cell, asked: Sequence[Question]) -> list[Prediction]:
    """What the ideal observer says, judged like everybody else; empty where nobody knows."""
    best = [cell.recipe.source.ideal(question) for question in asked]
    said = [(q, ideal) for q, ideal in zip(asked, best, strict=True) if ideal is not None]
    if len(said) < len(asked):
        return []
    verdicts = cell.recipe.judge.judge([(question, ideal.answer) for question, ideal in said])
    return [
        Prediction(question.id, ideal.answer, ideal.answer, None, ideal.confidence, correct)
        for (question, ideal), correct in zip(said, verdicts, strict=True)
    ]


def _rationales(run: Path, cell: Cell) -> list[Rationales]:
    """How faithful the rationales of each of a cell's models are."""
    evaluate = cell.recipe.evaluate
    options = evaluate.faithfulness
    if options is None:
        return []
    asked = judged_on(run, cell.recipe)
    clusters = clusters_of(asked, evaluate.cluster)
    graders = cell.grades()
    found = []
    for step in cell.reflections():
        reflections = list(stored(stage_directory(run, step), Reflection))
        grades = None
        if step.model in graders:
            grades = list(stored(stage_directory(run, graders[step.model]), Grade))
        read = sum(grade.grade is not None for grade in grades or ())
        found.append(
            Rationales(
                cell.label,
                step.model,
                evaluate.split,
                len(reflections),
                sum(one.rationale is not None for one in reflections),
                options.n,
                read,
                len(grades or ()) - read,
                tuple(
                    measure(
                        reflections,
                        asked,
                        grades,
                        candidates=options.candidates,
                        seed=cell.recipe.seed,
                        clusters=clusters,
                    )
                ),
            )
        )
    return found


def _clusters(rows: Sequence[Row]) -> dict[str, dict[str, list[tuple[str, float]]]]:
    """Answers and shares per cell and question, from a cell's first row that sampled several."""
    found: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for row in rows:
        if row.cell not in found and any(prediction.shares for prediction in row.predictions):
            found[row.cell] = {p.question_id: list(p.shares.items()) for p in row.predictions}
    return found
