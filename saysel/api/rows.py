"""Rows of a run's report, read from what the run has stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from saysel.errors import UsageError
from saysel.plan.stage import Cell, Plan, Stage
from saysel.recipes.matrix import axes, reference_label, seed_label, setting_label
from saysel.recipes.questions import questions
from saysel.records import Prediction, Question, Score
from saysel.report import IDEAL, Row, read_metrics
from saysel.runs.resume import resume_advice
from saysel.scoring import Method, Setting, clusters_of
from saysel.stages.evaluate import EvaluateStage
from saysel.storage import finished, read_records

#: Missing steps that a message names.
MAX_NAMED = 4


def stored_rows(run: Path, plan: Plan) -> Iterator[Row]:
    """The rows of a drawn report: cell by cell, the ideal observer last and without predictions.

    Raises:
        DamagedFile: the report or predictions are missing, or are not what was written.
    """
    drawn = {
        (row["cell"], row["model"], row["estimator"]): row for row in read_metrics(run)["rows"]
    }
    for cell in plan.cells:
        evaluated = _evaluated(cell)
        clusters = clusters_of(evaluated, cell.recipe.evaluate.cluster)
        for step in cell.of(EvaluateStage):
            directory = step.directory_in(run)
            yield _row(
                cell,
                drawn[cell.label, step.model, step.estimator_name],
                tuple(read_records(directory, Prediction)),
                clusters,
                (finished(directory) or {}).get("seconds_per_question"),
            )
        if (cell.label, IDEAL, IDEAL) in drawn:
            yield _row(cell, drawn[cell.label, IDEAL, IDEAL], (), clusters, None)


def require_predictions(run: Path, plan: Plan) -> None:
    """Raise unless all predictions are stored.

    Raises:
        UsageError: it is not a run directory, or predictions are missing.
    """
    if not (run / "manifest.json").is_file():
        raise UsageError(f"{run}: not a run directory, it has no recipe.yaml and manifest.json")
    missing = [step for step in plan.of(EvaluateStage) if not step.is_done(run)]
    if missing:
        names = ", ".join(_name(plan, step) for step in missing[:MAX_NAMED])
        if len(missing) > MAX_NAMED:
            names += f" and {len(missing) - MAX_NAMED} more steps"
        advice = resume_advice(run, plan, missing[0])
        raise UsageError(f"{run}: predictions are missing for {names}: {advice}")


def _name(plan: Plan, step: Stage) -> str:
    """A step's name, with its cell in a matrix run: `evaluate-sft-verbalized (seed=1)`."""
    cell = plan.cell_of(step)
    return f"{step.name} ({cell.label})" if cell is not None and cell.label else step.name


def _row(
    cell: Cell,
    drawn: Mapping[str, Any],
    predictions: tuple[Prediction, ...],
    clusters: Mapping[str, str],
    seconds: float | None,
) -> Row:
    return Row(
        cell.label,
        drawn["model"],
        drawn["estimator"],
        drawn["split"],
        predictions,
        tuple(Score(metric, **numbers) for metric, numbers in drawn["metrics"].items()),
        drawn["n"],
        seconds,
        cell.recipe.evaluate.metrics,
        clusters,
        tuple(drawn["alarms"]),
    )


def row_key(row: Row) -> str:
    """The name of a row in `run.scores`: `ppo:verbalized`, `seed=1:ppo:verbalized`, `ideal`."""
    estimator = "" if row.model == IDEAL else row.estimator
    return ":".join(filter(None, (row.cell, row.model, estimator)))


def prediction_records(run: Path, plan: Plan, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every prediction as a mapping of plain values, with the question it is about."""
    asked: dict[str, dict[str, Question]] = {
        cell.label: {question.id: question for question in _evaluated(cell)} for cell in plan.cells
    }
    return [
        {
            "cell": row.cell,
            "model": row.model,
            "estimator": row.estimator,
            "question_id": prediction.question_id,
            "question": asked[row.cell][prediction.question_id].prompt,
            "answers": list(asked[row.cell][prediction.question_id].answers),
            "answer": prediction.answer,
            "rationale": prediction.rationale,
            "confidence": prediction.confidence,
            "correct": prediction.correct,
            "tokens": prediction.tokens,
            "response": prediction.response,
            "declined": prediction.declined,
        }
        for row in rows
        for prediction in row.predictions
    ]


def methods_of_run(
    run: Path, plan: Plan, cells: Sequence[Cell], wanted: Sequence[str], alone: bool
) -> Iterator[Method]:
    """Rows of a run as methods to compare; the ideal observer is none.

    Args:
        cells: those of the plan that are meant.
        wanted: model and estimator, or the model, or nothing for the last model.
        alone: whether nothing else is compared: then nothing `wanted` means all rows, and the
            run's name is left out of theirs.

    Raises:
        UsageError: there is no such row, or its predictions are not stored yet.
    """
    for cell in cells:
        evaluated = _evaluated(cell)
        prompts = {question.id: question.prompt for question in evaluated}
        clusters = clusters_of(evaluated, cell.recipe.evaluate.cluster)
        for step in _chosen(run, cell, wanted, alone):
            if not step.is_done(run):
                remedy = resume_advice(run, plan, step)
                raise UsageError(f"{run}: {step.name} is not done: {remedy}")
            parts = ["" if alone else run.name, cell.label, step.model, step.estimator_name]
            name = " · ".join(part for part in parts if part)
            yield Method(
                name, list(read_records(step.directory_in(run), Prediction)), prompts, clusters
            )


def settings_of_run(run: Path, plan: Plan, wanted: Sequence[str]) -> list[Setting]:
    """The settings of a matrix run, the reference first, with their predictions on each seed.

    Args:
        wanted: see `methods_of_run`.

    Raises:
        UsageError: see `methods_of_run`.
    """
    matrix, reference = plan.recipe.matrix, plan.recipe.report.reference
    all_axes = axes(matrix)
    seeds: dict[str, dict[str, Method]] = {}
    for cell in plan.cells:
        (method,) = methods_of_run(run, plan, [cell], wanted, alone=False)
        seed = seed_label(all_axes, cell.choices)
        seeds.setdefault(setting_label(all_axes, cell.choices), {})[seed] = method
    first = reference_label(matrix, reference) if reference else next(iter(seeds))
    return [Setting(name, seeds[name]) for name in sorted(seeds, key=lambda name: name != first)]


def _chosen(run: Path, cell: Cell, wanted: Sequence[str], alone: bool) -> list[EvaluateStage]:
    """The evaluations of a cell that are meant."""
    steps = cell.of(EvaluateStage)
    if alone and not wanted:
        return steps
    model = wanted[0] if wanted else steps[-1].model
    of_model = [step for step in steps if step.model == model]
    estimator = wanted[1] if len(wanted) > 1 else (of_model or steps)[0].estimator_name
    chosen = [step for step in of_model if step.estimator_name == estimator]
    if not chosen:
        names = ", ".join(f"{step.model}:{step.estimator_name}" for step in steps)
        raise UsageError(f"{run} has no row '{':'.join(wanted)}'; there are {names}")
    return chosen


def _evaluated(cell: Cell) -> list[Question]:
    """The questions of a cell's evaluation."""
    return questions(cell.recipe, cell.recipe.evaluate.split)
