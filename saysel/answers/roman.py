"""Roman numerals and regnal names: "Henry VIII" and "Henry the Eighth" are "Henry 8"."""

from __future__ import annotations

import re

from saysel.answers.spelled_numbers import ORDINALS

LETTERS = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
VALID = r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})"
#: After a capitalised word, at the end or before `of`: Elizabeth I, Super Bowl L, Rocky IV.
AFTER_NAME = re.compile(rf"(?<=[^\W\d_]) (?=[IVXL]+\b)({VALID})(?=[.,:;!?)'\"]*(?:$| of\b|,|:))")
#: Anywhere: of I, V and X with two letters or more, or of any with four letters or more.
ALONE = re.compile(rf"\b(?=[IVX]{{2,}}\b|[IVXLCDM]{{4,}}\b)({VALID})(?!\w)")
LOWER = re.compile(r"(?<=\w )(?=[ivx]{2,}\b)(x{0,3}(?:ix|iv|v?i{0,3}))(?!\w)")

SPELLED = "|".join(sorted(ORDINALS, key=len, reverse=True))
THE_EIGHTH = re.compile(
    rf"(?<=[^\W\d_]),? [Tt]he ((?:[Tt]wenty[- ])?(?i:{SPELLED})|\d{{1,2}}(?:st|nd|rd|th))"
    r"(?=[.,:;!?)'\"]*(?:$| of\b))"
)
SECOND_WORLD_WAR = re.compile(r"\b((?i:first|second|third)|1st|2nd|3rd) [Ww]orld [Ww]ar\b")
CAPITALISED_BEFORE = re.compile(r"[A-Z]\w*\Z")


def in_arabic(text: str) -> str:
    """The text with Roman numerals and the ordinals of regnal names as Arabic numerals."""
    text = SECOND_WORLD_WAR.sub(lambda war: f"World War {_ordinal(war[1])}", text)
    text = THE_EIGHTH.sub(_regnal, text)
    text = ALONE.sub(lambda numeral: str(value(numeral[1])), text)
    text = LOWER.sub(lambda numeral: str(value(numeral[1].upper())), text)
    return AFTER_NAME.sub(_after_name, text)


def value(numeral: str) -> int:
    """The value of a Roman numeral in capitals."""
    numbers = [LETTERS[letter] for letter in numeral]
    following = [*numbers[1:], 0]
    return sum(-n if n < after else n for n, after in zip(numbers, following, strict=True))


def _ordinal(text: str) -> int:
    folded = text.casefold()
    if folded[0].isdigit():
        return int(re.sub(r"\D", "", folded))
    if folded.startswith("twenty") and folded != "twentieth":
        return 20 + ORDINALS[folded[7:]]
    return ORDINALS[folded]


def _regnal(match: re.Match[str]) -> str:
    return f" {_ordinal(match[1])}" if _after_capitalised(match) else match[0]


def _after_name(match: re.Match[str]) -> str:
    return f" {value(match[1])}" if match[1] and _after_capitalised(match) else match[0]


def _after_capitalised(match: re.Match[str]) -> bool:
    # The word before the match, at most 40 characters of it.
    before = match.string[max(0, match.start() - 40) : match.start()]
    return CAPITALISED_BEFORE.search(before) is not None
