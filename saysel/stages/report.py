"""Score the predictions and write the report."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from saysel.faithfulness.measures import measure
from saysel.plan.context import StageContext
from saysel.plan.fingerprint import identity
from saysel.plan.stage import Cell, Stage
from saysel.recipes.matrix import axes, reference_label
from saysel.recipes.recipe import Recipe
from saysel.records import Grade, Prediction, Question, Reflection
from saysel.report import IDEAL, Grid, Rationales, Report, Row, is_whole, read_metrics, write
from saysel.report.alarms import with_alarms
from saysel.report.content import Training
from saysel.scoring import clusters_of, score, to_arrays
from saysel.stages.evaluate import EvaluateStage
from saysel.stages.evaluation import evaluation_questions
from saysel.stages.faithfulness import FaithfulnessStage
from saysel.stages.grade import GradeStage
from saysel.stages.train import TrainStage
from saysel.stages.training_log import read_training
from saysel.storage import DONE, finished, intact_record, read_records
from saysel.storage.atomic import checksum


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportStage(Stage):
    """Score the predictions of all cells and write the report.

    Attributes:
        recipe: with its matrix.
        cells: what is shown, side by side.
    """

    stage: ClassVar[str] = "report"
    is_collected: ClassVar[bool] = False

    cells: Sequence[Cell]

    @classmethod
    def run_steps(cls, recipe: Recipe, cells: Sequence[Cell]) -> Iterable[Stage]:
        shown = [
            step
            for cell in cells
            for stage in (EvaluateStage, FaithfulnessStage, GradeStage)
            for step in cell.of(stage)
        ]
        inputs = {str(number): step for number, step in enumerate(shown)}
        yield cls(recipe=recipe, inputs=inputs, cells=cells)

    def content(self) -> dict[str, Any]:
        evaluations = [cell.recipe.evaluate for cell in self.cells]
        content = {
            # A reference that is not named changes no fingerprint.
            "title": {
                key: value
                for key, value in self.recipe.report.model_dump().items()
                if key == "title" or value is not None
            },
            "metrics": [
                [identity(metric) for metric in evaluate.metrics] for evaluate in evaluations
            ],
            "cells": [cell.label for cell in self.cells],
            "source": identity(self.recipe.source),
            "leaks": self.recipe.leaks,
        }
        faithfulness = [evaluate.faithfulness for evaluate in evaluations]
        if candidates := [options.candidates for options in faithfulness if options]:
            content["candidates"] = candidates
        clusters = [evaluate.cluster for evaluate in evaluations]
        if any(clusters):
            content["clusters"] = clusters
        return content

    def is_done(self, run_directory: Path) -> bool:
        """Whether the report is there, whole, that of this step, and under the recipe's name.

        A damaged report is not an error: it is drawn again from what other stages keep. On shared
        storage, the marker of a report may still be there once another one has replaced it.
        """
        record = intact_record(self.directory_in(run_directory) / DONE)
        if record is None or not is_whole(run_directory / "report"):
            return False
        present = _metrics_checksum(run_directory)
        known = record.get("metrics_checksum", present)  # absent in runs of earlier versions
        return bool(known == present and read_metrics(run_directory)["run"] == self.recipe.name)

    def run(self, context: StageContext) -> dict[str, Any]:
        self.draw(context.run_directory, context.manifest)
        return {"metrics_checksum": _metrics_checksum(context.run_directory)}

    def draw(self, run_directory: Path, manifest: Mapping[str, Any]) -> None:
        """Write the report of a run whose predictions are all there.

        Args:
            manifest: the content of the run's manifest.
        """
        self._delete_other_markers(run_directory)
        shutil.rmtree(run_directory / "report" / "cells", ignore_errors=True)
        content = self._content(run_directory, manifest, self.cells)
        write(replace(content, grid=self._grid()), run_directory / "report")

    def draw_cell(
        self, run_directory: Path, manifest: Mapping[str, Any], cell: Cell, directory: Path
    ) -> None:
        """Write a report of a single cell into a separate directory."""
        write(self._content(run_directory, manifest, [cell]), directory)

    def so_far(self, run_directory: Path, cells: Sequence[Cell]) -> Report:
        """What a report of an unfinished run can show; its manifest is empty.

        Args:
            cells: with those of their steps that are done.
        """
        return self._content(run_directory, {}, cells)

    def _content(
        self, run_directory: Path, manifest: Mapping[str, Any], cells: Sequence[Cell]
    ) -> Report:
        rows = with_alarms([row for cell in cells for row in _rows(run_directory, cell)])
        return Report(
            name=self.recipe.name,
            title=self.recipe.report.title or self.recipe.name,
            recipe=self.recipe.resolved(),
            manifest=manifest,
            rows=tuple(rows),
            questions={
                cell.label: {
                    question.id: question
                    for question in evaluation_questions(run_directory, cell.recipe)
                }
                for cell in cells
            },
            clusters=_clusters(rows),
            training=tuple(
                training
                for step in (cells[0].of(TrainStage) if len(cells) == 1 else ())
                if (training := training_of(run_directory, step)) is not None
            ),
            rationales=tuple(
                rationales for cell in cells for rationales in _rationales(run_directory, cell)
            ),
        )

    def _grid(self) -> Grid | None:
        """How the cells differ; `None` without a matrix."""
        matrix, reference = self.recipe.matrix, self.recipe.report.reference
        if not matrix:
            return None
        return Grid(
            tuple(axes(matrix)),
            {cell.label: cell.choices for cell in self.cells},
            None if reference is None else reference_label(matrix, reference),
        )

    def _delete_other_markers(self, run_directory: Path) -> None:
        """There is one page: once it is drawn again, those of other recipes are not done."""
        for other in (run_directory / "stages").glob("report-*"):
            if other.name != self.directory:
                shutil.rmtree(other)


def _metrics_checksum(run_directory: Path) -> str:
    return checksum(run_directory / "report" / "metrics.json")


def training_of(run_directory: Path, step: TrainStage) -> Training | None:
    """How the training of a model went so far; `None` if fewer than two steps were recorded."""
    return read_training(run_directory / "events.jsonl", step.name, step.fingerprint)


def _rows(run_directory: Path, cell: Cell) -> list[Row]:
    """A cell's rows: every model under every estimator, then the ideal observer."""
    questions = evaluation_questions(run_directory, cell.recipe)
    clusters = clusters_of(questions, cell.recipe.evaluate.cluster)
    rows = []
    for step in cell.of(EvaluateStage):
        directory = step.directory_in(run_directory)
        predictions = list(read_records(directory, Prediction))
        row = _row(cell, step.model, step.estimator_name, predictions, clusters)
        seconds = (finished(directory) or {}).get("seconds_per_question")
        rows.append(replace(row, seconds=seconds, replies=step.tally(predictions)))
    ideal = _ideal(cell, questions)
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


def _ideal(cell: Cell, questions: Sequence[Question]) -> list[Prediction]:
    """The ideal observer's judged predictions; empty where the source does not know all."""
    known = [
        (question, ideal)
        for question in questions
        if (ideal := cell.recipe.source.ideal(question)) is not None
    ]
    if len(known) < len(questions):
        return []
    correct = cell.recipe.judge.judge_answers(
        [(question, ideal.answer) for question, ideal in known]
    )
    return [
        Prediction(question.id, ideal.answer, ideal.answer, None, ideal.confidence, correctness)
        for (question, ideal), correctness in zip(known, correct, strict=True)
    ]


def _rationales(run_directory: Path, cell: Cell) -> list[Rationales]:
    """How faithful the rationales of each of a cell's models are."""
    evaluate = cell.recipe.evaluate
    options = evaluate.faithfulness
    if options is None:
        return []
    questions = evaluation_questions(run_directory, cell.recipe)
    clusters = clusters_of(questions, evaluate.cluster)
    graders = {step.model: step for step in cell.of(GradeStage)}
    rationales = []
    for step in cell.of(FaithfulnessStage):
        reflections = list(read_records(step.directory_in(run_directory), Reflection))
        grades = None
        if step.model in graders:
            directory = graders[step.model].directory_in(run_directory)
            grades = list(read_records(directory, Grade))
        measured = measure(
            reflections,
            questions,
            grades,
            candidates=options.candidates,
            seed=cell.recipe.seed,
            clusters=clusters,
        )
        graded = sum(grade.grade is not None for grade in grades or ())
        rationales.append(
            Rationales(
                cell=cell.label,
                model=step.model,
                split=evaluate.split,
                n=len(reflections),
                written=sum(reflection.rationale is not None for reflection in reflections),
                samples=step.n,
                graded=graded,
                ungraded=len(grades or ()) - graded,
                measured=tuple(measured),
            )
        )
    return rationales


def _clusters(rows: Sequence[Row]) -> dict[str, dict[str, list[tuple[str, float]]]]:
    """Answers and shares per cell and question, from a cell's first row that sampled several."""
    clusters: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for row in rows:
        if row.cell not in clusters and any(prediction.shares for prediction in row.predictions):
            clusters[row.cell] = {p.question_id: list(p.shares.items()) for p in row.predictions}
    return clusters
