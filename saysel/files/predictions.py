"""Predictions that saysel did not make: from a file, a data frame, or arrays.

There is one row per question. A row needs a confidence, and either whether the answer is correct,
or the answer and the accepted ones for a judge; or, with a format, the whole reply of a model, from
which answer and confidence are read. Nothing is guessed: a column that could play two roles, and a
number outside [0, 1], are refused with the option that settles it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from saysel.errors import DataError, UsageError
from saysel.files import prediction_values as values
from saysel.files.column_reader import ColumnReader
from saysel.files.columns import ColumnNames, Roles
from saysel.files.formulas import unescaped_table
from saysel.files.frames import Frame, table_of
from saysel.files.table import Table
from saysel.files.tables import read_table
from saysel.files.values import parse_text
from saysel.interfaces import Format, Judge, Parsed
from saysel.records import Prediction, Question
from saysel.registry import build


@dataclass(frozen=True)
class Predictions:
    """The predictions of a table.

    Attributes:
        predictions: one per row, in order; `correct` is `None` if it is not known.
        questions: by id, with what the table says about them.
        columns: the column that was used for each role.
        notes: one line for each recognised column that was left out, with the reason, and one if
            confidences seem to have two scales.
        clusters: the cluster of each question by id; empty without a column of clusters.
        layout: the format, if a known tool wrote the table.
    """

    predictions: list[Prediction]
    questions: dict[str, Question]
    columns: dict[str, str]
    notes: tuple[str, ...] = ()
    clusters: Mapping[str, str] = field(default_factory=dict)
    layout: str | None = None


def load_predictions(
    path: str | Path,
    columns: ColumnNames | None = None,
    *,
    where: Mapping[str, str] | None = None,
    scale: float | None = None,
    format: Format | None = None,
    judge: Judge | None = None,
) -> Predictions:
    """The predictions of a file, and their questions.

    Args:
        path: a CSV, TSV, JSON, JSON Lines or Parquet file, a spreadsheet, an Inspect log, or
            samples of lm-evaluation-harness; `-` is standard input. One row per question.
        columns: the file's columns by role; roles that are not given are recognised, see
            `saysel.files.columns`.
        where: values by column, compared as text; only rows that have all of them are used.
        scale: the number that stands for certainty: 1 (the default), 10 for tenths, 100 for
            percent. Not with a format, which has its own scale.
        format: reads answer, rationale and confidence from the column `output`.
        judge: compares answers with the accepted ones. Without one, the column `correct` is used;
            without such a column, the judge is `match`.

    Returns:
        A confidence that is empty, null, NaN or unreadable is `None`. A missing answer is wrong, as
        everywhere in saysel. Without ids, rows are numbered from 1. With a column of clusters an
        id may occur several times: `q7`, `q7 (2)`.

    Raises:
        UsageError: a role is unknown, a column is missing or ambiguous, or two arguments contradict
            each other.
        DataError: the file or a row is invalid; rows are named by their line.
    """
    _check_options(columns or {}, scale, format, judge)
    table = _one_reading(_matching(unescaped_table(read_table(Path(path))), where))
    return _predictions_of(table, columns or {}, scale, format, judge)


def predictions_from_columns(
    data: Frame | Mapping[str, Iterable[object]],
    columns: ColumnNames | None = None,
    *,
    where: Mapping[str, str] | None = None,
    scale: float | None = None,
    format: Format | None = None,
    judge: Judge | None = None,
    name: str = "predictions",
) -> Predictions:
    """The predictions of a data frame or of a mapping of arrays, read like those of a file.

    Args:
        data: a pandas or polars frame, or a mapping from column names to arrays or lists.
        columns, where, scale, format, judge: see `load_predictions`.
        name: what messages call the data: `predictions, row 3: …`.

    Raises:
        UsageError, DataError: see `load_predictions`; rows are named by their number, from 1.
    """
    _check_options(columns or {}, scale, format, judge)
    table = _one_reading(_matching(table_of(data, name), where))
    return _predictions_of(table, columns or {}, scale, format, judge)


def predictions_by(
    data: str | Path | Frame | Mapping[str, Iterable[object]],
    by: str,
    columns: ColumnNames | None = None,
    *,
    where: Mapping[str, str] | None = None,
    scale: float | None = None,
    format: Format | None = None,
    judge: Judge | None = None,
    name: str = "predictions",
) -> dict[str, Predictions]:
    """The predictions of several methods whose rows are in one file, frame or mapping.

    Args:
        data: see `load_predictions` and `predictions_from_columns`.
        by: the column that names the method of a row.
        columns, where, scale, format, judge, name: as there.

    Returns:
        The predictions of each method, in the order of its first row.

    Raises:
        UsageError, DataError: see `load_predictions`; there is no column `by`.
    """
    _check_options(columns or {}, scale, format, judge)
    if isinstance(data, str | Path):
        table = unescaped_table(read_table(Path(data)))
    else:
        table = table_of(data, name)
    return {
        value: _predictions_of(_one_reading(part), columns or {}, scale, format, judge)
        for value, part in _matching(table, where).by(by).items()
    }


def _check_options(
    named: ColumnNames, scale: float | None, format: Format | None, judge: Judge | None
) -> None:
    if scale is not None and not (math.isfinite(scale) and scale > 0):
        raise UsageError(f"--scale must be above 0: 1, 10 or 100 (got {scale:g})")
    if scale is not None and format is not None:
        raise UsageError(
            f"--scale {scale:g}: with --format, the format has its own scale: omit one of the two "
            "options"
        )
    if judge is not None and "correct" in named:
        raise UsageError(
            "--column correct=…: with --judge, the judge decides what is correct: omit one of the "
            "two options"
        )


def _matching(table: Table, where: Mapping[str, str] | None) -> Table:
    """The rows that have all of some values.

    Raises:
        UsageError: there are none.
    """
    for column, value in (where or {}).items():
        table = table.only(column, value)
    return table


def _one_reading(table: Table) -> Table:
    """The table, which must not hold several readings of the same replies.

    Raises:
        UsageError: it does.
    """
    readings = table.layout.readings if table.layout else None
    values = dict.fromkeys(str(row.get(readings)) for row in table.rows) if readings else {}
    if len(values) > 1:
        raise UsageError(
            f"{table.name}: {len(values)} rows for each reply, one per {readings}: choose one with "
            + " or ".join(f"--where {readings}={value}" for value in values)
        )
    return table


def _predictions_of(
    table: Table,
    named: ColumnNames,
    scale: float | None,
    format: Format | None,
    judge: Judge | None,
) -> Predictions:
    replies = format is not None
    roles = Roles(table, named, replies)
    roles.require("output" if replies else "confidence")
    judged = judge is not None or not roles.has("correct")
    if judged:
        roles.require_answers(replies, judge=judge is not None)
    reader = ColumnReader(table, roles)
    ids = reader.ids()
    if format is not None:
        predictions = _parsed(reader, ids, format)
    else:
        predictions = _stated(reader, ids, 1.0 if scale is None else scale, needs_answers=judged)
    questions = _questions(reader, ids, needs_answers=judged)
    if judged:
        predictions = _judged(predictions, questions, judge)
    else:
        correct = reader.required("correct", values.correctness)
        declined = reader.required("correct", values.declined_by_grade)
        predictions = [
            _graded(p, c, p.declined or declines)
            for p, c, declines in zip(predictions, correct, declined, strict=True)
        ]
    clusters: dict[str, str] = {}
    if roles.has("cluster"):
        clusters = dict(zip(ids, reader.required("cluster", values.cluster), strict=True))
    return Predictions(
        predictions,
        questions,
        roles.columns,
        tuple(reader.notes),
        clusters,
        table.layout.name if table.layout else None,
    )


def _parsed(reader: ColumnReader, ids: list[str], format: Format) -> list[Prediction]:
    """Predictions whose answer, rationale and confidence the format reads from whole replies."""
    reasons = reader.optional("finish_reason", values.reply, None)
    outputs = reader.required("output", values.whole_reply)
    parsed = [
        format.parse(output or "", cut=reason == "length")
        for output, reason in zip(outputs, reasons, strict=True)
    ]
    return _unjudged(reader, ids, outputs, parsed, reasons)


def _stated(
    reader: ColumnReader, ids: list[str], scale: float, needs_answers: bool
) -> list[Prediction]:
    """Predictions whose answer, rationale and confidence are in separate columns."""
    reasons = reader.optional("finish_reason", values.reply, None)
    outputs = reader.optional("output", values.reply, None)
    rationales = reader.optional("rationale", values.reply, None)
    column = reader.roles.columns["confidence"]
    confidences = values.confidences(reader.table, column, scale)
    if (remark := values.mixed_scales(reader.table, column, scale)) is not None:
        reader.notes.append(remark)
    if needs_answers:
        answers = reader.required("answer", values.reply)
    else:
        answers = reader.optional("answer", values.reply, None)
    declined = reader.optional("declined", values.declined, False)
    parsed = [
        Parsed(None, rationale, None, True) if declines else Parsed(answer, rationale, confidence)
        for answer, rationale, confidence, declines in zip(
            answers, rationales, confidences, declined, strict=True
        )
    ]
    return _unjudged(reader, ids, outputs, parsed, reasons)


def _unjudged(
    reader: ColumnReader,
    ids: list[str],
    outputs: list[str | None],
    parsed: list[Parsed],
    reasons: list[str | None],
) -> list[Prediction]:
    tokens = reader.optional("tokens", values.tokens, 0)
    return [
        Prediction(
            question_id=id,
            response=output or "",
            answer=parts.answer,
            rationale=parts.rationale,
            confidence=parts.confidence,
            tokens=count,
            finish_reason=reason,
            declined=parts.declined,
        )
        for id, output, parts, count, reason in zip(
            ids, outputs, parsed, tokens, reasons, strict=True
        )
    ]


def _questions(reader: ColumnReader, ids: list[str], needs_answers: bool) -> dict[str, Question]:
    """The questions by id; a judge needs their accepted answers."""

    def text(table: Table, index: int, column: str) -> str | None:
        return parse_text(table.rows[index].get(column))

    prompts = reader.optional("question", text, None)
    answers: list[tuple[str, ...]]
    if not needs_answers:
        answers = reader.optional("gold", values.gold, ())
    else:
        answers = reader.required("gold", values.gold)
        if () in answers:
            raise DataError(
                f"{reader.table.where(answers.index(()))}: '{reader.roles.get('gold')}' is empty: "
                "an answer is judged by the accepted one"
            )
    return {
        id: Question(id, prompt or id, accepted)
        for id, prompt, accepted in zip(ids, prompts, answers, strict=True)
    }


def _graded(prediction: Prediction, correct: float | None, declined: bool) -> Prediction:
    """The prediction with the correctness that the table says."""
    if not declined:
        return replace(prediction, correct=correct)
    return replace(prediction, answer=None, confidence=None, declined=True, correct=correct or 0.0)


def _judged(
    predictions: list[Prediction], questions: Mapping[str, Question], judge: Judge | None
) -> list[Prediction]:
    judge = judge or build("judge", "match")  # type: ignore[assignment]
    assert judge is not None
    correct = judge.judge_answers(
        [(questions[p.question_id], p.answer) for p in predictions],
        [p.declined for p in predictions],
    )
    return [replace(p, correct=c) for p, c in zip(predictions, correct, strict=True)]
