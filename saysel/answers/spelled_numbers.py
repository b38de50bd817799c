"""Numbers in words: `one thousand nine hundred and sixty` is 1960."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
FIRST_TO_NINETEENTH = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
)

SMALL = {
    **{word: number for number, word in enumerate(UNITS.split())},
    **{word: 10 * number for number, word in enumerate(TENS.split(), 2)},
}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
#: Words before which `a` means one: a hundred, a million.
ONE_OF = ("hundred", *SCALES)
ORDINALS = {
    **{word: number for number, word in enumerate(FIRST_TO_NINETEENTH.split(), 1)},
    **{word[:-1] + "ieth": 10 * number for number, word in enumerate(TENS.split(), 2)},
}
#: A number in digits. Longer runs of digits are compared as text.
LITERAL = re.compile(r"-?\d{1,60}(?:\.\d{1,60})?", re.ASCII)
#: Maximum number of scale words in one number, because of repetition loops ("trillion trillion …").
MAX_SCALES = 5
#: A comma between two words: numbers do not continue across it, except after a scale word.
COMMA = ","


def in_digits(words: Sequence[str]) -> list[str]:
    """Words in lower case, with every number in digits. Commas between words are dropped.

    Also: `5 million` is 5000000, `nineteen eighty-four` is 1984, `minus five` is -5,
    `twenty-third` is 23rd, 3.50 is 3.5, a `dozen` is 12.
    """
    result: list[str] = []
    start = 0
    while start < len(words):
        end = _end_of_number(words, start)
        if end > start:
            word = _value(words[start:end])
            if word in TENS_IN_DIGITS and 0 < ORDINALS.get(_next(words, end - 1), 0) < 10:
                word, end = ordinal(int(word) + ORDINALS[words[end]]), end + 1
        else:
            word, end = _single(words[start]), start + 1
        if result[-1:] in (["minus"], ["negative"]) and LITERAL.fullmatch(word) and word[0] != "-":
            result[-1] = f"-{word}"
        elif word != COMMA:
            result.append(word)
        start = end
    return result


TENS_IN_DIGITS = frozenset(str(10 * number) for number in range(2, 10))


def ordinal(number: int) -> str:
    """An ordinal in digits: 1st, 12th, 23rd."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def decimal(value: Fraction) -> str:
    """A number in digits, exact: decimal where that is finite, else as a fraction."""
    if value.denominator == 1:
        return str(value.numerator)
    rest, places = value.denominator, 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        places = max(places, count)
    if rest != 1:
        return str(value)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' * (value < 0)}{digits[:-places]}.{digits[-places:]}"


def _single(word: str) -> str:
    if word in ORDINALS:
        return ordinal(ORDINALS[word])
    if word == "dozen":
        return "12"
    if LITERAL.fullmatch(word) and "." in word:
        return word.rstrip("0").rstrip(".")
    return word


def _end_of_number(words: Sequence[str], start: int) -> int:
    """The index after the number in words that begins at `start`; `start` if there is none."""
    index, scales = start, 0
    group: int | None = None  # value since the last scale word, which determines what may follow
    if words[index] in ("a", "half") and _next(words, index) == "dozen":
        return index + 2
    if words[index] == "half" and _next(words, index) == "a" and _next(words, index + 1) == "dozen":
        return index + 3
    if words[index] == "a" and _next(words, index) in ONE_OF:
        group, index = 1, index + 1
    elif LITERAL.fullmatch(words[index]):
        if _next(words, index) not in (*SCALES, "dozen") or words[index - 1 : index] == ["/"]:
            return start  # 3/4 million is no fraction of 4 million
        group, index = 1, index + 1
    while index < len(words):
        word = words[index]
        if word in SMALL:
            if group is not None and not _continues(group, SMALL[word]):
                break
            group = _joined(group, SMALL[word])
        elif word == "hundred" and group is not None and 0 < group < 100:
            group *= 100
        elif word in SCALES and group is not None and scales < MAX_SCALES:
            scales += 1
            # A million million; and after the comma of "one thousand, two hundred".
            group = 1 if _next(words, index) in SCALES else None
        elif word == "dozen" and group is not None and 0 < group < 100:
            return index + 1
        elif not (index > start and _links(words, index)):
            break
        index += 1
    return index


def _continues(group: int, value: int) -> bool:
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


def _links(words: Sequence[str], index: int) -> bool:
    """Whether `and` or a comma is inside a number."""
    before, after = words[index - 1], _next(words, index)
    if words[index] == COMMA:
        return before in SCALES and after in SMALL
    return words[index] == "and" and before in ONE_OF and after in SMALL


def _next(words: Sequence[str], index: int) -> str:
    return words[index + 1] if index + 1 < len(words) else ""


def _value(words: Sequence[str]) -> str:
    """The value of a number in words, in digits."""
    total, group = Fraction(0), Fraction(0)
    for word in words:
        if word in SMALL:
            group = Fraction(_joined(int(group) or None, SMALL[word]))
        elif word == "hundred":
            group *= 100
        elif word == "dozen":
            group = 12 * (group or Fraction(1))
        elif word == "half":
            group = Fraction(1, 2)
        elif word in SCALES and group:
            total, group = total + group * SCALES[word], Fraction(0)
        elif word in SCALES:
            total *= SCALES[word]
        elif word not in ("and", COMMA, "a") or (word == "a" and not group):
            group = Fraction(1 if word == "a" else word)
    return decimal(total + group)
