"""Warnings that a number may be misleading, shown with the numbers.

- Fewer than three distinct confidences: a constant one can have an ECE of 0.
- Accuracy significantly below the base model's on the same questions: calibration was gained by
  wrong answers.
- A parse rate below 0.95: the missing confidences may be those of hard questions.
- No correct answer at all: the numbers measure the prompt, the judge or the accepted answers.
- Replies that cannot be read, see `saysel.replies.diagnosis`.
- A small ECE with a resolution near zero: confidence says nothing about individual answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from saysel.errors import UsageError
from saysel.interfaces import PredictionArrays
from saysel.metrics.accuracy import Accuracy
from saysel.metrics.brier import BrierResolution, BrierUncertainty
from saysel.metrics.distinct_confidences import DistinctConfidences
from saysel.metrics.ece import Ece
from saysel.metrics.parse_rate import ParseRate
from saysel.replies import stage_records
from saysel.replies.counts import ReplyTally
from saysel.replies.diagnosis import problems
from saysel.report.content import IDEAL, Row
from saysel.scoring import Method, compare, to_arrays
from saysel.scoring.bootstrap import RESAMPLES, TOLERANCE

MIN_CONFIDENCES = 3
MIN_PARSE_RATE = 0.95
#: An ECE up to this looks good.
GOOD_ECE = 0.05
#: Smallest share of the uncertainty that resolution must explain, beyond chance.
MIN_RESOLUTION = 0.02


@dataclass(frozen=True)
class Alarm:
    """One warning: the name of a row or stage, and the problem."""

    row: str
    text: str


def with_alarms(rows: Sequence[Row]) -> list[Row]:
    """The rows with their alarms; ideal observers have none."""
    return [replace(row, alarms=tuple(filter(None, _texts(row, rows)))) for row in rows]


def alarms(rows: Sequence[Row]) -> list[Alarm]:
    """The alarms of all rows, which `with_alarms` has computed."""
    return [Alarm(row.name, text) for row in rows for text in row.alarms]


def stage_alarms(stages: Mapping[str, Mapping[str, Any]]) -> list[Alarm]:
    """The alarms of the stages from their records in the manifest; evaluations are rows."""
    return [
        Alarm(name, problem.text)
        for name, record in stages.items()
        if not name.startswith("evaluate-")
        for problem in stage_records.problems(record)
    ]


def _texts(row: Row, rows: Sequence[Row]) -> list[str]:
    """The text of each check, empty if it passes."""
    columns = to_arrays(row.predictions, row.clusters)
    if row.model == IDEAL or not len(columns):
        return []
    return [
        *(problem.text for problem in problems(row.replies or ReplyTally("file"))),
        _none_correct(row, columns),
        _few_confidences(columns),
        _less_accurate(row, rows),
        _not_parsed(columns),
        _no_discrimination(columns),
    ]


def _none_correct(row: Row, columns: PredictionArrays) -> str:
    answers = int(columns.answered.sum())
    if columns.correct.any() or not answers:
        return ""
    if row.replies and row.replies.counts.no_answer == row.replies.counts.replies:
        return ""  # the problem is that no answer could be read
    return (
        f"none of the {answers} answers is correct: look at some of them, and check the "
        "judge, the accepted answers and the token limit"
    )


def _few_confidences(columns: PredictionArrays) -> str:
    number = int(DistinctConfidences().compute(columns))
    if not 0 < number < MIN_CONFIDENCES:
        return ""
    if number == 1:
        return "all stated confidences are the same"
    return f"only {number} distinct confidences are stated"


def _less_accurate(row: Row, rows: Sequence[Row]) -> str:
    """Compared with the base model under the same estimator, on the questions that both have."""
    key = (row.cell, row.split, row.estimator)
    base = [r for r in rows if r.model == "base" and (r.cell, r.split, r.estimator) == key]
    if row.model == "base" or not base:
        return ""
    methods = [
        Method(name, one.predictions, clusters=row.clusters)
        for name, one in (("base", base[0]), ("row", row))
    ]
    try:
        (change,) = compare(methods, [Accuracy()], True, RESAMPLES).differences
    except UsageError:
        return ""  # no judged question is shared
    if change.outcome != "worse":
        return ""
    declines = "; replies that decline count as wrong" if row.declined else ""
    return (
        f"accuracy fell from {change.before:.3f} to {change.after:.3f}, beyond its "
        f"interval{declines}"
    )


def _not_parsed(columns: PredictionArrays) -> str:
    rate = ParseRate().compute(columns)
    return f"{1 - rate:.1%} of the replies state no confidence" if rate < MIN_PARSE_RATE else ""


def _no_discrimination(columns: PredictionArrays) -> str:
    import numpy as np

    stated = columns.stated()
    uncertainty = BrierUncertainty().compute(stated)
    if len(stated) < 2 or uncertainty <= TOLERANCE or Ece().compute(stated) > GOOD_ECE:
        return ""
    # Bins differ by chance even if confidence is uninformative.
    bins = np.count_nonzero(Ece().sums(stated, np.ones((1, len(stated)))).n)
    chance = uncertainty * (bins - 1) / (len(stated) - 1)
    share = (BrierResolution().compute(stated) - chance) / uncertainty
    if share >= MIN_RESOLUTION:
        return ""
    return "ECE is small, but confidence does not separate correct answers from wrong ones"
