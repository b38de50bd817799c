"""Correctness by comparing the parsed answer with the accepted ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from saysel.answers import CHOICES, choice, key, number, only_number, readings
from saysel.interfaces import Judge
from saysel.records import Question


class MatchJudge(Judge):
    """Right if the parsed answer is an accepted one: as words, as a number, or as a choice.

    - Words: case, accents, punctuation, articles, spaces and hyphens do not count, numbers may be
      spelled, and neither brackets nor a lead-in ("It is …", "in …") are part of the answer.
    - Numbers, where an accepted answer is one: the answer's only number must be equal, with or
      without separators, currency or unit ("$1,000.00" is 1000).
    - Choices, where the accepted answers are true, false, unknown, yes or no: the answer must say
      that and no other ("Not true." is false, "Yes" is true, "it cannot be verified" is unknown).

    An answer that names several things is wrong, also where one of them is right.
    """

    version: ClassVar[int] = 3

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        return [float(matches(question.answers, answer)) for question, answer in items]


def matches(accepted: Sequence[str], answer: str) -> bool:
    """Whether an answer is one of the accepted ones."""
    if not answer.strip():
        return False
    names = {key(reading) for one in accepted for reading in readings(one)[:2]}
    said = readings(answer)
    if key(answer) in names:
        return True
    if all(one.strip().casefold() in CHOICES for one in accepted):
        return choice(said[2]) in {CHOICES[one.strip().casefold()] for one in accepted}
    values = {value for one in accepted if (value := only_number(one)) is not None}
    if values and number(said[2]) in values:
        return True
    return any(key(reading) in names for reading in said)
