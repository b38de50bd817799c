"""The data behind the page's browser of questions: compact, and safe inside a script element."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from saysel.records import Question
from saysel.report.content import IDEAL, Report, Row
from saysel.report.figures import colours

#: A page with more questions than this holds a random sample of them; with many rows, fewer, so
#: that there are no more than so many predictions in all.
MOST_QUESTIONS, MOST_PREDICTIONS = 20_000, 200_000


class Strings:
    """Each distinct text once; elsewhere its number stands for it."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str | None) -> int:
        """The text's number, -1 for none."""
        return -1 if text is None else self._numbers.setdefault(text, len(self._numbers))

    def shares(self, shares: Sequence[tuple[str, float]]) -> list[float]:
        """Answer, share, answer, share …, largest share first."""
        by_size = sorted(shares, key=lambda item: -item[1])
        return [part for text, share in by_size for part in (self.number(text), round(share, 4))]

    def all(self) -> list[str]:
        return list(self._numbers)


def sampled(rows: Sequence[Row]) -> tuple[list[Row], int]:
    """The rows with the predictions that the page holds, and how many questions there are in all.

    The same questions in every row, drawn at random where there are too many of them.
    """
    ids = list(dict.fromkeys(p.question_id for row in rows for p in row.predictions))
    most = min(MOST_QUESTIONS, max(1_000, MOST_PREDICTIONS // max(1, len(rows))))
    if len(ids) <= most:
        return list(rows), len(ids)
    kept = set(Random(0).sample(ids, most))
    return [
        replace(row, predictions=tuple(p for p in row.predictions if p.question_id in kept))
        for row in rows
    ], len(ids)


def payload(report: Report, rows: Sequence[Row]) -> dict[str, Any]:
    """What the page's script reads.

    `strings`: texts; `questions`: `[id, prompt, accepted answers, clusters]` with texts as
    numbers; `rows`: per row its name, colour and columns of equal length: `q` question, `a`
    answer, `r` rationale, `c` confidence, `y` correctness, `t` the whole response where a part of
    it could not be read, `s` shares. `start`: the row to show first, the last trained model.
    """
    strings = Strings()
    questions, place = _questions(report.questions, report.clusters, rows, strings)
    colour = colours(rows)
    made = [
        {
            "name": row.name,
            "kind": colour[row.model],
            "ideal": row.model == IDEAL,
            "group": [row.cell, row.split],
            "q": [place[row.cell, p.question_id] for p in row.predictions],
            "a": [strings.number(p.answer) for p in row.predictions],
            "r": [strings.number(p.rationale) for p in row.predictions],
            "c": [_short(p.confidence) for p in row.predictions],
            "y": [_short(p.correct) for p in row.predictions],
            "t": [
                strings.number(p.response if p.answer is None or p.confidence is None else None)
                for p in row.predictions
            ],
            "s": [strings.shares(list(p.shares.items())) for p in row.predictions],
        }
        for row in rows
    ]
    return {"questions": questions, "rows": made, "start": start(rows), "strings": strings.all()}


def start(rows: Sequence[Row]) -> int:
    """The last trained model, asked the way the first row was."""
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
    """The questions that a row has a prediction for, and where each cell's are in the list.

    What is asked in several cells is there once, with the clusters of the first that has some.
    """
    asked = dict.fromkeys((row.cell, p.question_id) for row in rows for p in row.predictions)
    made: list[list[Any]] = []
    place: dict[tuple[str, str], int] = {}
    known: dict[tuple[str, str, tuple[str, ...]], int] = {}
    for cell, id in asked:
        question = questions.get(cell, {}).get(id)
        prompt, answers = (question.prompt, tuple(question.answers)) if question else (id, ())
        at = known.setdefault((id, prompt, answers), len(made))
        if at == len(made):
            numbers = [strings.number(answer) for answer in answers]
            made.append([strings.number(id), strings.number(prompt), numbers, []])
        made[at][3] = made[at][3] or strings.shares(clusters.get(cell, {}).get(id, ()))
        place[cell, id] = at
    return made, place


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def script_json(data: object) -> str:
    """JSON that no browser can mistake for the end of its script element or for markup."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
