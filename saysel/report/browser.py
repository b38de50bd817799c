"""The data of the page's question browser: compact, and safe inside a script element."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from saysel.records import Question
from saysel.report.content import IDEAL, Report, Row
from saysel.report.figures import colours

#: A page contains at most this many questions, and predictions of all rows; more are sampled.
MAX_QUESTIONS, MAX_PREDICTIONS = 20_000, 200_000
#: However many rows there are, a page contains this many questions.
MIN_QUESTIONS = 1_000


class Strings:
    """Each distinct text once; elsewhere its number stands for it."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str | None) -> int:
        """The text's number, -1 for `None`."""
        return -1 if text is None else self._numbers.setdefault(text, len(self._numbers))

    def shares(self, shares: Sequence[tuple[str, float]]) -> list[float]:
        """Answer, share, answer, share …, largest share first."""
        by_size = sorted(shares, key=lambda item: -item[1])
        return [part for text, share in by_size for part in (self.number(text), round(share, 4))]

    def all(self) -> list[str]:
        """The texts in the order of their numbers."""
        return list(self._numbers)


def sampled(rows: Sequence[Row]) -> tuple[list[Row], int]:
    """The rows with the predictions that the page contains, and the number of all questions.

    All rows keep the same questions, a random sample if there are too many.
    """
    ids = list(dict.fromkeys(p.question_id for row in rows for p in row.predictions))
    count = min(MAX_QUESTIONS, max(MIN_QUESTIONS, MAX_PREDICTIONS // max(1, len(rows))))
    if len(ids) <= count:
        return list(rows), len(ids)
    kept = set(Random(0).sample(ids, count))
    return [
        replace(row, predictions=tuple(p for p in row.predictions if p.question_id in kept))
        for row in rows
    ], len(ids)


def payload(report: Report, rows: Sequence[Row]) -> dict[str, Any]:
    """What the page's script reads.

    `strings`: all texts, which are numbers elsewhere. `questions`: `[id, prompt, accepted answers,
    clusters]`. `rows`: see `_row`. `start`: index of the row to show first.
    """
    strings = Strings()
    questions, position = _questions(report.questions, report.clusters, rows, strings)
    colour = colours(rows)
    made = [_row(row, colour[row.model], position, strings) for row in rows]
    return {"questions": questions, "rows": made, "start": start(rows), "strings": strings.all()}


def _row(
    row: Row, kind: str, position: Mapping[tuple[str, str], int], strings: Strings
) -> dict[str, Any]:
    """A row with a column per field and an entry per prediction.

    `q` question, `a` answer, `r` rationale, `c` confidence, `y` correctness, `t` the whole response
    if a part of it could not be parsed, `s` shares, `d` whether it declines.
    """
    predictions = row.predictions
    unparsed = [
        p.response if p.answer is None or p.confidence is None else None for p in predictions
    ]
    return {
        "name": row.name,
        "kind": kind,
        "ideal": row.model == IDEAL,
        "group": [row.cell, row.split],
        "q": [position[row.cell, p.question_id] for p in predictions],
        "a": [strings.number(p.answer) for p in predictions],
        "r": [strings.number(p.rationale) for p in predictions],
        "c": [_rounded(p.confidence) for p in predictions],
        "y": [_rounded(p.correct) for p in predictions],
        "d": [int(p.declined) for p in predictions],
        "t": [strings.number(response) for response in unparsed],
        "s": [strings.shares(list(p.shares.items())) for p in predictions],
    }


def start(rows: Sequence[Row]) -> int:
    """The last trained model, under the first row's estimator."""
    candidates = [
        i for i, row in enumerate(rows) if row.model != IDEAL and row.estimator == rows[0].estimator
    ]
    return candidates[-1] if candidates else 0


def _questions(
    questions: Mapping[str, Mapping[str, Question]],
    clusters: Mapping[str, Mapping[str, Sequence[tuple[str, float]]]],
    rows: Sequence[Row],
    strings: Strings,
) -> tuple[list[list[Any]], dict[tuple[str, str], int]]:
    """The questions of the rows' predictions, and the position of each by cell and id.

    A question of several cells is listed once, with the clusters of the first cell that has some.
    """
    pairs = dict.fromkeys((row.cell, p.question_id) for row in rows for p in row.predictions)
    listed: list[list[Any]] = []
    position: dict[tuple[str, str], int] = {}
    known: dict[tuple[str, str, tuple[str, ...]], int] = {}
    for cell, id in pairs:
        question = questions.get(cell, {}).get(id)
        prompt, answers = (question.prompt, tuple(question.answers)) if question else (id, ())
        index = known.setdefault((id, prompt, answers), len(listed))
        if index == len(listed):
            numbers = [strings.number(answer) for answer in answers]
            listed.append([strings.number(id), strings.number(prompt), numbers, []])
        listed[index][3] = listed[index][3] or strings.shares(clusters.get(cell, {}).get(id, ()))
        position[cell, id] = index
    return listed, position


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def script_json(data: object) -> str:
    """JSON without characters that could end its script element or start markup."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
