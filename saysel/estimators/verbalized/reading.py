"""Reads answers and confidences from any text; what is not clear is `None`, and nothing raises."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: A label at the start of a line, with or without Markdown around it.
LABEL = r"^[ \t*#>_-]*{}[ \t*_]*:[ \t*_]*"
ANSWER = re.compile(
    LABEL.format("Answer") + rf"(.*?)(?={LABEL.format('Confidence')}|\Z)",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
CONFIDENCE = re.compile(LABEL.format("Confidence") + r"(.*)$", re.MULTILINE | re.IGNORECASE)
GUESS = re.compile(LABEL.format(r"G(\d{1,3})") + r"(.+)$", re.MULTILINE | re.IGNORECASE)
PROBABILITY = re.compile(LABEL.format(r"P(\d{1,3})") + r"(.+)$", re.MULTILINE | re.IGNORECASE)
#: Everything that starts like a number, so that `1e9`, `-5` or `80-90` is not read as another.
NUMBER = re.compile(r"[-−+]?\.?\d[\w.,]*\s*%?")
PLAIN = re.compile(r"(\d{0,9}\.\d{1,9}|\d{1,9})\s*(%?)", re.ASCII)


def answer(text: str, labelled: bool) -> str | None:
    """What stands after `Answer:`; where no label is asked for, also the whole text without."""
    found = ANSWER.search(text)
    if found is None:
        return (text.strip() or None) if not labelled else None
    return found[1].strip(" \t\r\n*_") or None


def confidence(text: str, labelled: bool) -> str | None:
    """The last line after `Confidence:`; where no label is asked for, also the whole text."""
    found = CONFIDENCE.findall(text)
    if found:
        return str(found[-1])
    return text if not labelled else None


def percent(text: str) -> float | None:
    """The only number in a text as a probability: `85%`, `85`, `85/100`; `0.85` is one already.

    A number without a percent sign is a probability if it is written with a decimal point and
    is at most 1. `None`: no number, several, or one that is out of range.
    """
    number = _only_number(text, 100)
    if number is None:
        return None
    value, sign, pointed = number
    value = value if pointed and not sign and value <= 1 else value / 100
    return value if value <= 1 else None


def out_of_ten(text: str) -> float | None:
    """The only number in a text, `8`, `8/10` or `8 out of 10`, as so many tenths.

    `None`: no number, several, a percentage, or one that is not from 0 to 10.
    """
    number = _only_number(text, 10)
    if number is None:
        return None
    value, sign, _ = number
    return value / 10 if value <= 10 and not sign else None


def in_words(text: str, words: Mapping[str, float]) -> float | None:
    """The value of the only one of the phrases that a text uses; `None`: none, several, or a not.

    The longest phrase counts: `highly likely` is not `likely`.
    """
    if re.search(r"\bnot\b|n['’]t\b", text, re.IGNORECASE):
        return None
    known = {" ".join(word.casefold().split()): value for word, value in words.items()}
    phrases = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
    spaced = " ".join(text.casefold().split())
    found = set(re.findall(rf"(?<!\w)(?:{phrases})(?!\w)", spaced))
    return known[found.pop()] if len(found) == 1 else None


def guesses(text: str) -> dict[int, str]:
    """The guesses of a text by number, `G1: …`; where one is repeated, the first counts."""
    found: dict[int, str] = {}
    for number, guess in GUESS.findall(text):
        if guess.strip(" \t\r*_"):
            found.setdefault(int(number), guess.strip(" \t\r*_"))
    return found


def probabilities(text: str) -> dict[int, float]:
    """The readable probabilities of a text by number, `P1: 0.6` or `P1: 60%`."""
    found: dict[int, float] = {}
    for number, stated in PROBABILITY.findall(text):
        only = _only_number(stated, 1)
        if only is None:
            continue
        value = only[0] / 100 if only[1] else only[0]
        if value <= 1:
            found.setdefault(int(number), value)
    return found


def _only_number(text: str, most: int) -> tuple[float, bool, bool] | None:
    """A text's only number, whether it has a percent sign, and whether a decimal point."""
    text = re.sub(rf"\s*(?:/|out of)\s*{most}(?!\.?\d)", "", text)
    found = NUMBER.findall(text)
    if len(found) != 1:
        return None
    plain = PLAIN.fullmatch(found[0].rstrip(".,") if not found[0].endswith("%") else found[0])
    if plain is None:
        return None
    return float(plain[1]), bool(plain[2]), "." in plain[1]
