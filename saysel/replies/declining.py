"""Whether an answer is the phrase with which a model declines to answer."""

from __future__ import annotations

import re

WORD = re.compile(r"[^\W_]+")
APOSTROPHES = str.maketrans("’‘ʼ", "'''")
CONTRACTIONS = {"cannot": "can not", "can't": "can not", "n't": " not", "'m": " am"}


def declines(answer: str | None, phrase: str | None) -> bool:
    """Whether an answer consists of the phrase alone.

    Case, punctuation and contractions are ignored: "I do not know." is "I don't know". An answer
    that says more, such as "I don't know, perhaps Rome", is an answer.

    Args:
        phrase: `None`: no answer declines.
    """
    return answer is not None and phrase is not None and _words(answer) == _words(phrase)


def _words(text: str) -> list[str]:
    folded = text.translate(APOSTROPHES).casefold()
    for short, long in CONTRACTIONS.items():
        folded = folded.replace(short, long)
    return WORD.findall(folded)
