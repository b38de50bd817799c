"""Predictions from files that saysel did not write: which column is what, and what it holds.

A file has one row per question. What a row must have is a confidence, and either whether the
answer was correct, or the answer and the accepted ones for a judge; or, with a format, the whole
reply of a model, from which answer and confidence are read. Nothing is guessed: a column that
could be two things, and a number outside [0, 1], are refused with the option that settles it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from saysel.cells import missing, number_in, text_in, texts_in, truth_in
from saysel.data_file import DataFile, read
from saysel.errors import DataError, UsageError
from saysel.interfaces import Format, Judge
from saysel.prediction_columns import Roles
from saysel.records import Prediction, Question


@dataclass(frozen=True)
class Predictions:
    """What a file holds.

    Attributes:
        predictions: one per row, in order; `correct` is `None` where nobody could tell.
        questions: by id, with what the file knows of them.
        columns: the column that was taken for each role.
    """

    predictions: list[Prediction]
    questions: dict[str, Question]
    columns: dict[str, str]


def read_predictions(
    path: Path,
    columns: Mapping[str, str] | None = None,
    scale: float = 1.0,
    format: Format | None = None,
    judge: Judge | None = None,
) -> list[Prediction]:
    """The predictions of a CSV, TSV, JSON Lines or Parquet file; see `load`."""
    return load(path, columns, scale, format, judge).predictions


def load(
    path: Path,
    columns: Mapping[str, str] | None = None,
    scale: float = 1.0,
    format: Format | None = None,
    judge: Judge | None = None,
) -> Predictions:
    """The predictions of a file, and their questions.

    Args:
        path: a CSV, TSV, JSON Lines or Parquet file, one row per question.
        columns: the file's columns by role; those that are not named are recognised, see
            `saysel.prediction_columns`.
        scale: the number that stands for certainty: 1, 10 for tenths, 100 for percent.
        format: reads answer, rationale and confidence from the column `output`; it knows its own
            scale.
        judge: compares answers with the accepted ones. Without one, the column `correct` is
            believed; where there is none either, the judge is `match`.

    Returns:
        A confidence that is empty, null, NaN or cannot be read is `None`. An answer that is not
        there is wrong, as everywhere in saysel. Without ids, rows are numbered from 1.

    Raises:
        UsageError: a role is unknown, a column is not there, or two could be meant.
        DataError: the file or a row is not what it has to be; rows are named by their line.
    """
    if not (math.isfinite(scale) and scale > 0):
        raise UsageError(f"--scale must be above 0: 1, 10 or 100 (got {scale:g})")
    file = read(path)
    roles = Roles(file, columns or {}, replies=format is not None)
    roles.need("output" if format else "confidence")
    judged = judge is not None or not roles.has("correct")
    if judged:
        roles.need_answers(replies=format is not None, judge=judge is not None)
    ids = _ids(file, roles.get("id"))
    stated = [None] * len(ids) if format else _confidences(file, roles.found["confidence"], scale)
    found = []
    questions = {}
    for index, id in enumerate(ids):

        def text(role: str, index: int = index) -> str | None:
            return text_in(file.value(index, roles.get(role)))

        output, confidence = text("output") or "", stated[index]
        if format is None:
            answer, rationale = text("answer"), text("rationale")
        else:
            answer, rationale, confidence = format.parse(output)
        correct = None if judged else _correct(file, index, roles.found["correct"])
        tokens = _tokens(file, index, roles.get("tokens"))
        found.append(Prediction(id, output, answer, rationale, confidence, correct, tokens))
        answers = texts_in(file.value(index, roles.get("gold")))
        if judged and not answers:
            raise DataError(
                f"{file.where(index)}: '{roles.get('gold')}' is empty: an answer is judged by "
                "the accepted one"
            )
        questions[id] = Question(id, text("question") or id, answers)
    if judged:
        found = _judge(found, questions, judge)
    return Predictions(found, questions, roles.found)


def _ids(file: DataFile, column: str | None) -> list[str]:
    if column is None:
        return [str(number) for number in range(1, len(file.rows) + 1)]
    first: dict[str, int] = {}
    for index, row in enumerate(file.rows):
        value = row.get(column)
        if missing(value):
            raise DataError(f"{file.where(index)}: '{column}' is empty: every row needs its id")
        id = str(value)
        if id in first:
            raise DataError(
                f"{file.where(index)}: the id '{id}' was in {file.places[first[id]]} already: one "
                "row per question, or the intervals would be too narrow"
            )
        first[id] = index
    return list(first)


def _confidences(file: DataFile, column: str, scale: float) -> list[float | None]:
    found: list[float | None] = []
    outside: list[tuple[int, float]] = []
    for index, row in enumerate(file.rows):
        value = row.get(column)
        if missing(value):
            found.append(None)
            continue
        number = number_in(value)
        if number is None:
            raise DataError(
                f"{file.where(index)}: '{column}' must be a number, or empty where there is none "
                f"(got {value!r})"
            )
        if isinstance(value, str) and "%" in value:
            number *= scale  # the sign has said its scale already
        if not 0 <= number <= scale:
            outside.append((index, number))
        found.append(min(number / scale, 1.0))
    if outside:
        raise DataError(_out_of_range(file, column, outside, scale))
    return found


def _out_of_range(
    file: DataFile, column: str, outside: list[tuple[int, float]], scale: float
) -> str:
    index, number = outside[0]
    numbers = [number for _, number in outside]
    what = (
        f"{file.where(index)}: '{column}' is {number:g}, outside of 0 to {scale:g} "
        f"({len(outside)} of {len(file.rows)} rows are)"
    )
    if min(numbers) < 0 or max(numbers) > 100 or scale != 1:
        return f"{what}: mend the rows, or say with --scale which number stands for certainty"
    if max(numbers) > 10:
        return f"{what}: if it is percent, say --scale 100"
    return f"{what}: if it is tenths, say --scale 10; if it is percent, --scale 100"


def _correct(file: DataFile, index: int, column: str) -> float | None:
    value = file.rows[index].get(column)
    if missing(value):
        return None
    number = truth_in(value)
    if number is None or not 0 <= number <= 1:
        raise DataError(
            f"{file.where(index)}: '{column}' must say whether the answer is correct: true, "
            f"false, or a number from 0 to 1 (got {value!r})"
        )
    return number


def _tokens(file: DataFile, index: int, column: str | None) -> int:
    """How many tokens a reply took; 0 where nobody counted."""
    value = file.value(index, column)
    if missing(value):
        return 0
    number = number_in(value)
    if number is None or number < 0:
        raise DataError(
            f"{file.where(index)}: '{column}' must be a number of tokens, or empty (got {value!r})"
        )
    return round(number)


def _judge(
    found: list[Prediction], questions: Mapping[str, Question], judge: Judge | None
) -> list[Prediction]:
    if judge is None:
        from saysel.registry import build

        judge = build("judge", "match")  # type: ignore[assignment]
    assert judge is not None
    answered = [p for p in found if p.answer is not None and p.answer.strip()]
    verdicts = judge.judge([(questions[p.question_id], p.answer or "") for p in answered])
    correct = dict(zip((p.question_id for p in answered), verdicts, strict=True))
    # No answer: wrong, without asking the judge.
    return [replace(p, correct=correct.get(p.question_id, 0.0)) for p in found]
