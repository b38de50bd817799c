"""Correctness as the F1 score of words, as in SQuAD (arXiv 1606.05250, section 6.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from saysel.answers import normalise
from saysel.interfaces import Judge
from saysel.records import Question


class TokenF1Judge(Judge):
    """Partial credit: the highest word F1 score with any of the accepted answers.

    Words are compared without case, accents, punctuation and articles, numbers in digits. With s
    shared words, p = s / words of the answer and r = s / words accepted, F1 is 2pr / (p + r).
    """

    version: ClassVar[int] = 5

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        return [
            max(
                f1(normalise(answer).split(), normalise(accepted).split())
                for accepted in question.answers
            )
            for question, answer in items
        ]


def f1(answer: Sequence[str], accepted: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of words, in [0, 1]; 0 if either has no words."""
    shared = sum((Counter(answer) & Counter(accepted)).values())
    return 2 * shared / (len(answer) + len(accepted)) if shared else 0.0
