"""Reads answers and confidences from replies; what is not clear is `None`, and nothing raises.

Texts are read as in formats (see `saysel.replies`), and more freely in one respect: words may stand
around a number, as the models that are asked here have not been trained to leave them out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from saysel.replies.fields import Label, first_line, label_pattern, labels, value
from saysel.replies.parts import read_parts
from saysel.replies.scales import MAX_STATEMENT, only_number, probability, share
from saysel.replies.visible import VisibleText

GUESSES = label_pattern({"guess": r"G(?=\d)", "probability": r"P(?=\d)"})
WHOLE = Label("answer", "", 0, 0, starts_line=True, emphasis="")


def answer(said: VisibleText, labelled: bool) -> str | None:
    """What stands after `Answer:`; where no label is asked for, also the whole text without."""
    parts = read_parts(said)
    if parts.start is not None or labelled:
        return parts.answer
    if parts.first is None:
        return None if said.cut else value(said.text, WHOLE, len(said.text)) or None
    return value(said.text, WHOLE, parts.first) or None


def confidence(said: VisibleText, labelled: bool) -> str | None:
    """The line after `Confidence:`; where no label is asked for, also the whole text."""
    stated = read_parts(said).confidence
    if stated is not None or labelled or said.cut:
        return stated
    return said.text.strip()


def percent(text: str) -> float | None:
    """The only number in a text as a percentage: `85%`, `85`, `85/100`, `85 out of 100`.

    `None`: no number, several, or one that is no percentage, such as `0.85`.
    """
    return share(only_number(text), 100)


def out_of_ten(text: str) -> float | None:
    """The only number in a text, `8`, `8/10` or `8 out of 10`, as so many tenths.

    `None`: no number, several, or one that is not from 0 to 10, such as `80%` or `0.8`.
    """
    return share(only_number(text), 10)


def in_words(text: str, words: Mapping[str, float]) -> float | None:
    """The value of the only one of the phrases that a text uses; `None`: none, several, or a not.

    The longest phrase counts: `highly likely` is not `likely`. A text of more than 1,000
    characters is no statement of a confidence.
    """
    if len(text) > MAX_STATEMENT or re.search(r"\bnot\b|n['’]t\b", text, re.IGNORECASE):
        return None
    known = {" ".join(word.casefold().split()): value for word, value in words.items()}
    phrases = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
    spaced = " ".join(text.casefold().split())
    used = set(re.findall(rf"(?<!\w)(?:{phrases})(?!\w)", spaced))
    return known[used.pop()] if len(used) == 1 else None


def guesses(said: VisibleText) -> dict[int, str]:
    """The guesses of a reply by number, `G1: …`; where one is repeated, the first counts."""
    return {
        number: guess
        for number, text in _numbered(said, "guess")
        if (guess := value(text, WHOLE, len(text)))
    }


def probabilities(said: VisibleText) -> dict[int, float]:
    """The readable probabilities of a reply by number, `P1: 0.6` or `P1: 60%`."""
    return {
        number: stated
        for number, text in _numbered(said, "probability")
        if (stated := probability(only_number(text))) is not None
    }


def _numbered(said: VisibleText, name: str) -> Iterator[tuple[int, str]]:
    """Number and line of the fields of a name, the last number first; only those with a line."""
    found = labels(said.text, GUESSES)
    ends = [*(label.start for label in found), len(said.text)][1:]
    for label, end in reversed(list(zip(found, ends, strict=True))):
        line = first_line(said, label, end)
        if label.name == name and line:
            yield int(label.number), line
