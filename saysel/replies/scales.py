"""Confidences as numbers on the scale that was asked for.

A number on another scale is missing, never converted by guess: where tenths or percent are asked
for, 0.8 is most likely 80 %, and may be 8 % or 0.8 %. Only 0 is the same on all scales, and a
number that names its scale, such as 0.8 %, is clear.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

#: Longest text that is taken for a number, in characters.
LONGEST = 60
#: Full-width forms of ASCII characters.
FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
NUMBER = re.compile(
    r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})"
    r"(?:[ \t]{0,4}(?:(?P<percent>%|per ?cent\b)|(?:/|out of)[ \t]{0,4}(?P<most>100?)))?\.?",
    re.IGNORECASE,
)


#: Everything that begins like a number, so that "1e9", "-5" or "80-90" is not read as another.
LIKE_A_NUMBER = re.compile(
    r"[-−+]?\.?\d[\w.,]{0,60}"
    r"(?:[ \t]{0,4}(?:%|per ?cent\b|(?:/|out of)[ \t]{0,4}[\w.,]{1,60}))?",
    re.IGNORECASE,
)
#: Longest text in which the only number is looked for, in characters.
LONGEST_STATEMENT = 1000


class Number(NamedTuple):
    """A number as it is written.

    Attributes:
        value: in the unit in which it is written.
        most: the number that stands for certainty on the scale that it names: 10 or 100; `None`
            if it names none.
        pointed: whether it has a decimal point.
    """

    value: Decimal
    most: int | None
    pointed: bool


def number(text: str) -> Number | None:
    """The number that a text consists of, in ASCII or full-width characters."""
    if len(text) > LONGEST:
        return None
    found = NUMBER.fullmatch(text.translate(FULL_WIDTH).strip(" \t\r\n*_`"))
    if found is None:
        return None
    most = 100 if found["percent"] else int(found["most"]) if found["most"] else None
    return Number(Decimal(found["number"]), most, "." in found["number"])


def only_number(text: str) -> Number | None:
    """The only number in a text, such as 85 % in "I would say 85%."; `None` if there are several.

    A text of more than 1,000 characters is no statement of a number.
    """
    if len(text) > LONGEST_STATEMENT:
        return None
    found = LIKE_A_NUMBER.findall(text.translate(FULL_WIDTH))
    return number(found[0].rstrip(".,")) if len(found) == 1 else None


def share(stated: Number | None, most: int) -> float | None:
    """A number on a scale from 0 to `most` (10 or 100) as a share of it.

    `None`: no number, one that is above the scale or names another one, or one that looks like
    a probability: a fraction up to 1 that names no scale.
    """
    if stated is None or stated.value > most or stated.most not in (None, most):
        return None
    if stated.most is None and stated.pointed and 0 < stated.value <= 1:
        return None
    return float(stated.value / most)


def probability(stated: Number | None) -> float | None:
    """A number from 0 to 1, or a percentage, as a probability.

    `None`: no number, one that is above 1 or 100 %, or one on another scale.
    """
    if stated is None or stated.most == 10:
        return None
    value = stated.value / (stated.most or 1)
    return float(value) if value <= 1 else None
