"""Predictions of a run, for other tools.

    DIR/lm_eval/MODEL/results_TIME.json           lm-evaluation-harness: the scores of a model,
    DIR/lm_eval/MODEL/samples_TASK_TIME.jsonl     and one line per question and task
    DIR/inspect_ai/TIME_TASK_ID.json              Inspect: one log per model and task
    DIR/data_set/                                 a data set of the hub, see `export.data_set`

A task is a source, a split and an estimator. Times are those of the evaluation, so the same run
gives the same files. The ideal observer is not a model and is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import blake2b
from pathlib import Path

from saysel.interfaces import Estimator, Format, Prompt
from saysel.plan.stage import Cell
from saysel.recipes.elicited import ElicitedFormat
from saysel.recipes.recipe import Recipe
from saysel.recipes.values import shortened
from saysel.records import ModelRef, Prediction, Question
from saysel.report import read_metrics
from saysel.stages.evaluate import EvaluateStage
from saysel.stages.evaluation import evaluation_questions
from saysel.storage import encodable, finished, read_records, write_text
from saysel.storage.models import read_model


@dataclass(frozen=True)
class Evaluation:
    """A model under one estimator: a row of the report.

    Attributes:
        run: the run's name.
        cell: the matrix cell, empty without a matrix.
        phase: `base`, or the training phase after which it was measured.
        estimator: name of how answer and confidence were obtained.
        asked_by: the estimator itself.
        recipe: the cell's recipe.
        format: the format in which the model was asked.
        model: where the model is.
        scores: value, low and high of each metric, as `metrics.json` has them.
        questions: by id.
        predictions: in the questions' order.
        started, seconds: start in seconds since 1970, and duration.
    """

    run: str
    cell: str
    phase: str
    estimator: str
    asked_by: Estimator
    recipe: Recipe
    format: Format
    model: ModelRef
    scores: Mapping[str, Mapping[str, float | None]]
    questions: Mapping[str, Question]
    predictions: Sequence[Prediction]
    started: float
    seconds: float

    @property
    def name(self) -> str:
        """The model's name: run, cell and phase."""
        return "-".join(part for part in (self.run, self.cell, self.phase) if part)

    def prompt(self, question: Question) -> Prompt:
        """The chat that the model was asked a question with, or the first of several."""
        return self.asked_by.chats(question, self.format)[0]

    @property
    def shots(self) -> int:
        """The number of worked examples in the prompts."""
        if not isinstance(self.format, ElicitedFormat):
            return 0
        question = next(iter(self.questions.values()))
        in_format = self.prompt(question) == self.format.prompt(question)
        return self.format.elicit.shots if in_format else 0

    @property
    def task(self) -> str:
        """Name of the task: source, split and estimator."""
        return f"{self.recipe.source.use}-{self.recipe.evaluate.split}-{self.estimator}"


def evaluations(run: Path, cells: Sequence[Cell]) -> list[Evaluation]:
    """The evaluations of some cells of a run that has a report."""
    content = read_metrics(run)
    rows = {(row["cell"], row["model"], row["estimator"]): row for row in content["rows"]}
    evaluated = []
    for cell in cells:
        questions = {question.id: question for question in evaluation_questions(run, cell.recipe)}
        for step in cell.of(EvaluateStage):
            directory = step.directory_in(run)
            record = finished(directory) or {}
            evaluated.append(
                Evaluation(
                    run=content["run"],
                    cell=cell.label,
                    phase=step.model,
                    estimator=step.estimator_name,
                    asked_by=step.estimator,
                    recipe=cell.recipe,
                    format=step.format,
                    model=read_model(run, step.inputs["model"].directory_in(run)),
                    scores=rows[cell.label, step.model, step.estimator_name]["metrics"],
                    questions=questions,
                    predictions=list(read_records(directory, Prediction)),
                    started=record["started"],
                    seconds=record["seconds"],
                )
            )
    return evaluated


def write_predictions(
    run: Path, cells: Sequence[Cell], directory: Path, license: str
) -> list[Path]:
    """Write all logs and the data set of some cells of a run; returns the files.

    Args:
        license: identifier for the data set's card, as the hub uses it.
    """
    from saysel.export import data_set, inspect_ai, lm_eval

    evaluated = evaluations(run, cells)
    files = {
        **{Path("lm_eval") / path: text for path, text in lm_eval.logs(evaluated).items()},
        **{Path("inspect_ai") / path: text for path, text in inspect_ai.logs(evaluated).items()},
    }
    for path, text in files.items():
        write_text(directory / path, encodable(text))
    labels = {cell.label for cell in cells}
    rows = [row for row in read_metrics(run)["rows"] if row["cell"] in labels]
    written = data_set.write_data_set(evaluated, rows, directory / "data_set", license)
    return [*(directory / path for path in files), *written]


def stamp(seconds: float) -> datetime:
    """A time in UTC, to the second."""
    return datetime.fromtimestamp(int(seconds), timezone.utc)


def file_name(text: str) -> str:
    """A text without characters that file systems refuse, within the allowed length."""
    name = re.sub(r'["<>:/|\\?*\[\]\s]+', "__", text)
    short = shortened(name)
    # Two long labels may differ only at their ends.
    return name if short == name else f"{short}-{blake2b(name.encode(), digest_size=6).hexdigest()}"


def dumped(content: object, indent: int | None = None) -> str:
    """Strict JSON."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, indent=indent)
