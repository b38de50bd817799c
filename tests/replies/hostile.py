"""Repeated pieces of text on which careless patterns take quadratic time, and all readers."""

from __future__ import annotations

from collections.abc import Callable

from saysel.estimators.verbalized import reading
from saysel.estimators.verbalized.prompts import WORDS
from saysel.registry import build
from saysel.replies.visible import visible_text

PIECES = [
    *("*", "_", "#", "- ", "> ", "`", "\n", "\r\n", " ", "\t", "\n-", "\n* ", "1. "),
    *("9", "9 ", "0.", ".", "/10 ", "%", "９", "-", "(", "[", "<", "<|", "◁", "</"),
    *("<think>", "</think>", "<thought></thinking>", "<think ", "<thinkthinkthink", "[THINK]"),
    *("<|channel|>", "<|im_start|>", "assistantfinal", "Here is my response:"),
    *("Answer:", "Answer", "Answer\n", "**Answer:** x\n", "my the final ", "Final Answer: x "),
    *("Confidence:", "Confidence: 9 ", "Confidence (", "Self-reflection:", "Question:\n"),
    *("<answer>", "</answer>", "<answer></answer>", "<analysis>", "<analysis></analysis>"),
    *("<confidence>0.9</confidence>", "G1: a ", "P1: 0.5 ", "likely ", "not ", "n't", "the "),
]
#: Beginnings after which a reader is in the middle of a field.
BEGINNINGS = ["", "Answer: ", "Answer: x\nConfidence: ", "<answer>", "<think>", "G1: "]


def _styles(text: str) -> None:
    said = visible_text(text)
    for labelled in (False, True):
        reading.answer(said, labelled)
        reading.confidence(said, labelled)
    reading.guesses(said)
    reading.probabilities(said)
    reading.percent(text)
    reading.out_of_ten(text)
    reading.in_words(text, WORDS)


def _format(name: str) -> Callable[[str], None]:
    format = build("format", name)

    def read(text: str) -> None:
        format.parse(text)
        format.parse(text, cut=True)
        format.reasoning(text)

    return read


READERS: dict[str, Callable[[str], None]] = {
    **{name: _format(name) for name in ("sayself", "percent", "fraction", "tags")},
    "verbalized": _styles,
}
