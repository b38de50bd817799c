"""Correctness by comparing the parsed answer with the accepted ones."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from saysel.interfaces import Judge
from saysel.records import Question

ARTICLES = frozenset({"a", "an", "the"})


def normalise(text: str) -> str:
    """Lower case, without accents, punctuation, articles and extra space ("The Café." -> "cafe").

    A text of nothing but articles and punctuation is only stripped and lowered, so that two
    different ones never become equal.
    """
    folded = unicodedata.normalize("NFKD", text).casefold()
    folded = "".join(mark for mark in folded if not unicodedata.combining(mark))
    # A comma or point between digits belongs to the number: "1,000" is 1000, "3.5" is not 35.
    folded = re.sub(r"(?<=\d),(?=\d{3}\b)", "", folded)
    words = re.findall(r"\w+(?:\.\d+)?", folded)
    kept = [word for word in words if word not in ARTICLES]
    return " ".join(kept) or text.strip().casefold()


class MatchJudge(Judge):
    """Right if the parsed answer is an accepted one, up to case, accents and articles."""

    def judge(self, items: Sequence[tuple[Question, str]]) -> list[float | None]:
        return [
            float(normalise(answer) in {normalise(accepted) for accepted in question.answers})
            for question, answer in items
        ]
