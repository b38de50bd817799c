"""Confidences as numbers on the requested scale.

A number on another scale is missing; it is never converted by guessing: if tenths or percent were
requested, 0.8 is most likely 80 %, but may be 8 % or 0.8 %. Only 0 is the same on all scales, and a
number that names its scale, such as 0.8 %, is unambiguous.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

#: Maximum number of characters of a number.
MAX_LENGTH = 60
#: Full-width forms of ASCII characters.
FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
NUMBER = re.compile(
    r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})"
    r"(?:[ \t]{0,4}(?:(?P<percent>%|per ?cent\b)|(?:/|out of)[ \t]{0,4}(?P<scale>100?)))?\.?",
    re.IGNORECASE,
)


#: Everything that begins like a number, so that "1e9", "-5" or "80-90" is not misread as a number.
LIKE_A_NUMBER = re.compile(
    r"[-−‐‑+]?\.?\d[\w.,]{0,60}"
    r"(?:[ \t]{0,4}(?:%|per ?cent\b|(?:/|out of)[ \t]{0,4}[\w.,]{1,60}))?",
    re.IGNORECASE,
)
#: Maximum number of characters of a text in which the only number is searched for.
MAX_STATEMENT = 1000


class Number(NamedTuple):
    """A number as it is written.

    Attributes:
        value: in the unit in which it is written.
        scale: the number that stands for certainty on the scale that it names: 10 or 100; `None` if
            it names none.
        has_point: whether it has a decimal point.
    """

    value: Decimal
    scale: int | None
    has_point: bool


def number(text: str) -> Number | None:
    """The number that a text consists of, in ASCII or full-width characters."""
    if len(text) > MAX_LENGTH:
        return None
    match = NUMBER.fullmatch(text.translate(FULL_WIDTH).strip(" \t\r\n*_`"))
    if match is None:
        return None
    scale = 100 if match["percent"] else int(match["scale"]) if match["scale"] else None
    return Number(Decimal(match["number"]), scale, "." in match["number"])


def only_number(text: str) -> Number | None:
    """The only number in a text, such as 85 % in "I would say 85%."; `None` if there are several.

    `None` for a text of more than 1,000 characters, too.
    """
    if len(text) > MAX_STATEMENT:
        return None
    candidates = LIKE_A_NUMBER.findall(text.translate(FULL_WIDTH))
    return number(candidates[0].rstrip(".,")) if len(candidates) == 1 else None


def share(stated: Number | None, scale: int) -> float | None:
    """A number on a scale from 0 to `scale` (10 or 100) as a share of it.

    `None` for no number, one above the scale, one that names another scale, and one that looks like
    a probability: a fraction up to 1 that names no scale.
    """
    if stated is None or stated.value > scale or stated.scale not in (None, scale):
        return None
    if stated.scale is None and stated.has_point and 0 < stated.value <= 1:
        return None
    return float(stated.value / scale)


def probability(stated: Number | None) -> float | None:
    """A number from 0 to 1, or a percentage, as a probability.

    `None` for no number, one above 1 or 100 %, and one on another scale.
    """
    if stated is None or stated.scale == 10:
        return None
    value = stated.value / (stated.scale or 1)
    return float(value) if value <= 1 else None
