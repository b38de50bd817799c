"""Predictions from files that saysel did not write: which column is what, and what it holds.

A file has one row per question. What a row must have is a confidence, and either whether the
answer was correct, or the answer and the accepted ones for a judge; or, with a format, the whole
reply of a model, from which answer and confidence are read. Nothing is guessed: a column that
could be two things, and a number outside [0, 1], are refused with the option that settles it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from saysel.errors import DataError, UsageError
from saysel.files import prediction_values as values
from saysel.files.columns import Named, Roles
from saysel.files.spreadsheet_cells import plain_rows
from saysel.files.tables import DataFile, read
from saysel.files.values import text_in
from saysel.interfaces import Format, Judge
from saysel.records import Prediction, Question

Value = TypeVar("Value")


@dataclass(frozen=True)
class Predictions:
    """What a file holds.

    Attributes:
        predictions: one per row, in order; `correct` is `None` where nobody could tell.
        questions: by id, with what the file knows of them.
        columns: the column that was taken for each role.
        notes: one line for each recognised column that was left out, and why.
        clusters: the cluster of each question by id; empty without a column of clusters.
    """

    predictions: list[Prediction]
    questions: dict[str, Question]
    columns: dict[str, str]
    notes: tuple[str, ...] = ()
    clusters: Mapping[str, str] = field(default_factory=dict)


def read_predictions(
    path: Path,
    columns: Named | None = None,
    scale: float | None = None,
    format: Format | None = None,
    judge: Judge | None = None,
) -> list[Prediction]:
    """The predictions of a data file; see `load`."""
    return load(path, columns, scale, format, judge).predictions


def load(
    path: Path,
    columns: Named | None = None,
    scale: float | None = None,
    format: Format | None = None,
    judge: Judge | None = None,
) -> Predictions:
    """The predictions of a file, and their questions.

    Args:
        path: a CSV, TSV, JSON, JSON Lines or Parquet file, one row per question.
        columns: the file's columns by role; those that are not named are recognised, see
            `saysel.files.columns`.
        scale: the number that stands for certainty: 1 (the default), 10 for tenths, 100 for
            percent. Not with a format, which knows its own scale.
        format: reads answer, rationale and confidence from the column `output`.
        judge: compares answers with the accepted ones. Without one, the column `correct` is
            believed; where there is none either, the judge is `match`.

    Returns:
        A confidence that is empty, null, NaN or cannot be read is `None`. An answer that is not
        there is wrong, as everywhere in saysel. Without ids, rows are numbered from 1. With a
        column of clusters an id may occur several times: `q7`, `q7 (2)`.

    Raises:
        UsageError: a role is unknown, a column is not there or two could be meant, or two
            arguments contradict each other.
        DataError: the file or a row is not what it has to be; rows are named by their line.
    """
    named = columns or {}
    _check_options(named, scale, format, judge)
    file = plain_rows(read(path))
    roles = Roles(file, named, replies=format is not None)
    roles.need("output" if format else "confidence")
    judged = judge is not None or not roles.has("correct")
    if judged:
        roles.need_answers(replies=format is not None, judge=judge is not None)
    reader = _Reader(file, roles)
    ids = reader.ids()
    predictions = _predictions(reader, ids, format, 1.0 if scale is None else scale, judged)
    questions = _questions(reader, ids, judged)
    if judged:
        predictions = _judge(predictions, questions, judge)
    clusters: dict[str, str] = {}
    if roles.has("cluster"):
        clusters = dict(zip(ids, reader.needed("cluster", values.cluster), strict=True))
    return Predictions(predictions, questions, roles.columns, tuple(reader.notes), clusters)


def _check_options(
    named: Named, scale: float | None, format: Format | None, judge: Judge | None
) -> None:
    if scale is not None and not (math.isfinite(scale) and scale > 0):
        raise UsageError(f"--scale must be above 0: 1, 10 or 100 (got {scale:g})")
    if scale is not None and format is not None:
        raise UsageError(
            f"--scale {scale:g}: with --format, the format knows the scale: leave out one of the "
            "two options"
        )
    if judge is not None and "correct" in named:
        raise UsageError(
            "--column correct=…: with --judge, the judge says what is correct: leave out one of "
            "the two options"
        )


class _Reader:
    """Columns of one file; those that are optional and were only recognised never stop it."""

    def __init__(self, file: DataFile, roles: Roles) -> None:
        self.file = file
        self.roles = roles
        self.notes: list[str] = []

    def ids(self) -> list[str]:
        """The rows' ids, or their numbers where no column has any.

        Raises:
            DataError: see `saysel.files.prediction_values.ids`.
        """
        column = self.roles.get("id")
        if "id" not in self.roles.named and column and self.file.empty(column):
            del self.roles.columns["id"]
            self.notes.append(
                f"{self.file.path}: '{column}' is empty in every row; the rows are numbered"
            )
        return values.ids(self.file, self.roles.get("id"), self.roles.has("cluster"))

    def needed(self, role: str, read: Callable[[DataFile, int, str], Value]) -> list[Value]:
        """The values of a column that there has to be.

        Raises:
            DataError: one of them cannot be read.
        """
        column = self.roles.columns[role]
        return [read(self.file, index, column) for index in range(len(self.file.rows))]

    def optional(
        self, role: str, read: Callable[[DataFile, int, str], Value], default: Value
    ) -> list[Value]:
        """The values of a column, or the default in all rows.

        Raises:
            DataError: one of them cannot be read, and the column was named.
        """
        if role in self.roles.columns:
            try:
                return self.needed(role, read)
            except DataError as error:
                if role in self.roles.named:
                    raise
                del self.roles.columns[role]
                self.notes.append(f"{error}; the column is left out")
        return [default] * len(self.file.rows)


def _predictions(
    reader: _Reader, ids: list[str], format: Format | None, scale: float, judged: bool
) -> list[Prediction]:
    """One prediction per row, not judged yet."""
    columns = reader.roles.columns
    reasons = reader.optional("finish_reason", values.reply, None)
    if format is not None:
        outputs = reader.needed("output", values.whole_reply)
        parsed = [
            format.parse(output or "", cut=reason == "length")
            for output, reason in zip(outputs, reasons, strict=True)
        ]
        answers, rationales, confidences = map(list, zip(*parsed, strict=True))
    else:
        outputs = reader.optional("output", values.reply, None)
        rationales = reader.optional("rationale", values.reply, None)
        confidences = values.confidences(reader.file, columns["confidence"], scale)
        if judged:
            answers = reader.needed("answer", values.reply)
        else:
            answers = reader.optional("answer", values.reply, None)
    correct = [None] * len(ids) if judged else reader.needed("correct", values.correctness)
    tokens = reader.optional("tokens", values.tokens, 0)
    return [
        Prediction(
            question_id=id,
            response=outputs[row] or "",
            answer=answers[row],
            rationale=rationales[row],
            confidence=confidences[row],
            correct=correct[row],
            tokens=tokens[row],
            finish_reason=reasons[row],
        )
        for row, id in enumerate(ids)
    ]


def _questions(reader: _Reader, ids: list[str], judged: bool) -> dict[str, Question]:
    """The questions by id; their answers are needed where a judge compares."""

    def text(file: DataFile, index: int, column: str) -> str | None:
        return text_in(file.rows[index].get(column))

    prompts = reader.optional("question", text, None)
    answers: list[tuple[str, ...]]
    if not judged:
        answers = reader.optional("gold", values.gold, ())
    else:
        answers = reader.needed("gold", values.gold)
        if () in answers:
            raise DataError(
                f"{reader.file.where(answers.index(()))}: '{reader.roles.get('gold')}' is empty: "
                "an answer is judged by the accepted one"
            )
    return {
        id: Question(id, prompt or id, accepted)
        for id, prompt, accepted in zip(ids, prompts, answers, strict=True)
    }


def _judge(
    predictions: list[Prediction], questions: Mapping[str, Question], judge: Judge | None
) -> list[Prediction]:
    if judge is None:
        from saysel.registry import build

        judge = build("judge", "match")  # type: ignore[assignment]
    assert judge is not None
    answered = [p for p in predictions if p.answer is not None and p.answer.strip()]
    verdicts = judge.judge([(questions[p.question_id], p.answer or "") for p in answered])
    correct = dict(zip((p.question_id for p in answered), verdicts, strict=True))
    # No answer: wrong, without asking the judge.
    return [replace(p, correct=correct.get(p.question_id, 0.0)) for p in predictions]
