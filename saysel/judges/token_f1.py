"""Correctness by shared words, as SQuAD scores answers (arXiv 1606.05250, section 6.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from saysel.answers import normalise
from saysel.interfaces import Judge
from saysel.records import Question


class TokenF1Judge(Judge):
    """Part of the credit for part of the words: F1 with the accepted answer that is nearest.

    Words are counted without case, accents, punctuation and articles, numbers in digits. With s
    words shared, p = s / words answered and r = s / words accepted: F1 = 2pr / (p + r).
    """

    version: ClassVar[int] = 3

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        return [
            max(f1(normalise(answer).split(), normalise(one).split()) for one in question.answers)
            for question, answer in items
        ]


def f1(said: Sequence[str], accepted: Sequence[str]) -> float:
    """Harmonic mean of precision and recall of words, in [0, 1]; 0 if either has none."""
    shared = sum((Counter(said) & Counter(accepted)).values())
    return 2 * shared / (len(said) + len(accepted)) if shared else 0.0
