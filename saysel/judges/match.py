"""Correctness by comparing the parsed answer with the accepted ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from saysel.answers import matches
from saysel.interfaces import Judge
from saysel.records import Question


class MatchJudge(Judge):
    """Right if the parsed answer is an accepted one.

    - Words: case, accents, punctuation, articles, spaces and hyphens are ignored. Numbers may be in
      words or Roman numerals. A lead-in ("It is …"), an explanation ("…, because …"), an apposition
      ("Paris, France"), a title and the plural of a common noun are ignored. Signs that change the
      meaning are not (C++, x > 3).
    - Numbers, if an accepted answer is one: the answer's only number must be equal. Separators,
      fractions, percentages, scale words, scientific notation and units are parsed ("$1,000.00",
      "3/4", "75 %", "2 million", "3 x 10^8", "1.5 hours"). A different unit is wrong.
    - Dates: in any usual form; a full date answers a question that asks for its year.
    - Expressions, in LaTeX or plain text: equal if their values are.
    - Options: "A" is "A) bank" and "Option A".
    - Choices, if the accepted answers are true, false, unknown, yes or no: the answer must state
      that and not contradict itself ("Not true." is false, "No, it is true" is neither).

    An answer is wrong if it names alternatives, denies the accepted answer or only bounds it.
    Answers of more than 1,000 characters are compared word for word.
    """

    version: ClassVar[int] = 5

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        return [
            float(matches(question.answers, answer, question.wrong_answers))
            for question, answer in items
        ]
