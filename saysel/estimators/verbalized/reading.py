"""Parses answers and confidences in replies; what is ambiguous is `None`, and nothing raises.

Texts are parsed as in formats (see `saysel.replies`), with one exception: words may surround a
number, because these models have not been trained to omit them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from saysel.replies.fields import WHOLE, first_line, label_pattern, labels, value
from saysel.replies.parts import read_parts
from saysel.replies.scales import MAX_STATEMENT, only_number, probability, share
from saysel.replies.visible import VisibleText

GUESSES = label_pattern({"guess": r"G(?=\d)", "probability": r"P(?=\d)"})


def answer(visible: VisibleText, labelled: bool) -> str | None:
    """The text after `Answer:`; if the prompt asks for no label, also a whole text without one."""
    parts = read_parts(visible)
    if parts.start is not None or labelled:
        return parts.answer
    if parts.first is None:
        return None if visible.cut else value(visible.text, WHOLE, len(visible.text)) or None
    return value(visible.text, WHOLE, parts.first) or None


def confidence(visible: VisibleText, labelled: bool) -> str | None:
    """The line after `Confidence:`; if the prompt asks for no label, also the whole text."""
    stated = read_parts(visible).confidence
    if stated is not None or labelled or visible.cut:
        return stated
    return visible.text.strip()


def percent(text: str) -> float | None:
    """The only number in a text as a percentage: `85%`, `85`, `85/100`, `85 out of 100`.

    `None`: no number, several, or one that is not a percentage, such as `0.85`.
    """
    return share(only_number(text), 100)


def out_of_ten(text: str) -> float | None:
    """The only number in a text, `8`, `8/10` or `8 out of 10`, in tenths.

    `None`: no number, several, or one that is not from 0 to 10, such as `80%` or `0.8`.
    """
    return share(only_number(text), 10)


def in_words(text: str, words: Mapping[str, float]) -> float | None:
    """The value of the only phrase in a text; `None`: no phrase, several, or a negation.

    The longest phrase counts: `highly likely` is not `likely`. A text of more than 1,000
    characters does not state a confidence.
    """
    if len(text) > MAX_STATEMENT or re.search(r"\bnot\b|n['’]t\b", text, re.IGNORECASE):
        return None
    known = {" ".join(word.casefold().split()): value for word, value in words.items()}
    phrases = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
    spaced = " ".join(text.casefold().split())
    used = set(re.findall(rf"(?<!\w)(?:{phrases})(?!\w)", spaced))
    return known[used.pop()] if len(used) == 1 else None


def guesses(visible: VisibleText) -> dict[int, str]:
    """The guesses of a reply by number, `G1: …`; of repeated numbers, the first counts."""
    return {
        number: guess
        for number, text in _numbered(visible, "guess")
        if (guess := value(text, WHOLE, len(text)))
    }


def probabilities(visible: VisibleText) -> dict[int, float]:
    """The readable probabilities of a reply by number, `P1: 0.6` or `P1: 60%`."""
    return {
        number: stated
        for number, text in _numbered(visible, "probability")
        if (stated := probability(only_number(text))) is not None
    }


def _numbered(visible: VisibleText, name: str) -> Iterator[tuple[int, str]]:
    """Number and line of the fields with a name, the last first; empty lines are left out."""
    fields = labels(visible.text, GUESSES)
    ends = [*(label.start for label in fields), len(visible.text)][1:]
    for label, end in reversed(list(zip(fields, ends, strict=True))):
        line = first_line(visible, label, end)
        if label.name == name and line:
            yield int(label.number), line
