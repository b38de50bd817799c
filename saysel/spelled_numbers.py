"""Numbers that are spelled: `one thousand nine hundred and sixty` is 1960."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
FIRST_TO_TENTH = "first second third fourth fifth sixth seventh eighth ninth tenth"

SMALL = {
    **{word: number for number, word in enumerate(UNITS.split())},
    **{word: 10 * number for number, word in enumerate(TENS.split(), 2)},
}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
#: What `a` is a number before: a hundred, a million.
ONE_OF = ("hundred", *SCALES)
ORDINALS = {
    word: f"{number}{'stndrdth'[2 * min(number, 4) - 2 : 2 * min(number, 4)]}"
    for number, word in enumerate(FIRST_TO_TENTH.split(), 1)
}
#: A number in digits.
LITERAL = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)


def in_digits(words: Sequence[str]) -> list[str]:
    """Words in lower case, with every number in digits.

    Also: `5 million` is 5000000, `nineteen eighty-four` is 1984, `minus five` is -5,
    `third` is 3rd, 3.50 is 3.5.
    """
    found: list[str] = []
    place = 0
    while place < len(words):
        after = _end_of_number(words, place)
        word = _value(words[place:after]) if after > place else _plain(words[place])
        if found[-1:] in (["minus"], ["negative"]) and LITERAL.fullmatch(word) and word[0] != "-":
            found[-1] = f"-{word}"
        else:
            found.append(word)
        place = max(after, place + 1)
    return found


def _plain(word: str) -> str:
    """An ordinal in digits; a decimal number without zeros that say nothing."""
    if LITERAL.fullmatch(word) and "." in word:
        return word.rstrip("0").rstrip(".")
    return ORDINALS.get(word, word)


def _end_of_number(words: Sequence[str], start: int) -> int:
    """Where the spelled number that begins at `start` ends; `start` if none does."""
    place = start
    group: int | None = None  # what stands since the last scale, as far as it decides what follows
    if words[place] == "a" and _next(words, place) in ONE_OF:
        group, place = 1, place + 1
    elif LITERAL.fullmatch(words[place]):
        if _next(words, place) not in SCALES:
            return start
        group, place = 1, place + 1
    while place < len(words):
        word = words[place]
        if word in SMALL:
            if group is not None and not _goes_on(group, SMALL[word]):
                break
            group = _joined(group, SMALL[word])
        elif word == "hundred" and group is not None and 0 < group < 100:
            group *= 100
        elif word in SCALES and group is not None:
            group = None
            if _next(words, place) in SCALES:  # a million million
                group = 1
        elif not (word == "and" and place > start and _and_joins(words, place)):
            break
        place += 1
    return place


def _goes_on(group: int, value: int) -> bool:
    """Whether a small number can follow in the same group: hundreds, tens, or a year."""
    if group % 100 == 0:
        return group > 0
    return (group % 10 == 0 and group % 100 >= 20 and 0 < value < 10) or (
        10 <= group < 100 and value >= 10
    )


def _joined(group: int | None, value: int) -> int:
    if group is None:
        return value
    year = 10 <= group < 100 and value >= 10
    return group * 100 + value if year else group + value


def _and_joins(words: Sequence[str], place: int) -> bool:
    before = words[place - 1]
    return before in ONE_OF and _next(words, place) in SMALL


def _next(words: Sequence[str], place: int) -> str:
    return words[place + 1] if place + 1 < len(words) else ""


def _value(words: Sequence[str]) -> str:
    """The number that some words spell, in digits."""
    total, group = Fraction(0), Fraction(0)
    for word in words:
        if word in SMALL:
            group = Fraction(_joined(int(group) or None, SMALL[word]))
        elif word == "hundred":
            group *= 100
        elif word in SCALES and group:
            total, group = total + group * SCALES[word], Fraction(0)
        elif word in SCALES:
            total *= SCALES[word]
        elif word != "and":
            group = Fraction(1 if word == "a" else word)
    value = total + group
    return str(value) if value.denominator == 1 else str(float(value))
