"""Numbers with their units: "$1,000" is 1000 dollars, "1.5 hours" is 90 minutes."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from saysel.answers.normalise import SIGNS, fold, tokens
from saysel.answers.plurals import singular
from saysel.answers.spelled_numbers import LITERAL, ORDINALS, SCALES, decimal
from saysel.answers.units import BEFORE, Unit, unit

#: Maximum exponent that is written out.
MAX_EXPONENT = 60
SCIENTIFIC = re.compile(
    r"(?<![\w.^])(-?\d{1,60}(?:\.\d{1,60})?)(?:e([-−‐‑–+]?\d{1,3})\b"
    r"| ?(?:x|×|\*|·) ?10 ?\^ ?\(?([-−‐‑–]?\d{1,3})\)?(?![\w.]))",
    re.IGNORECASE,
)
POWER_OF_TEN = re.compile(r"(?<![\w.^*/)-])10 ?\^ ?\(?([-−‐‑–]?\d{1,2})\)?(?![\w.])")
SUPERSCRIPT_TEN = re.compile(r"(?<=10)([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{1,3})")
#: Letters for thousands and more, attached to their number; m only after a sign of currency.
LETTER_SCALE = re.compile(
    r"(?<![\w.])(\d{1,60}(?:\.\d{1,60})?)([kKMB]| ?(?:bn|mn|tn))\b(?![/^]|\.\w)"
)
SCALE_OF = {"k": "thousand", "mn": "million", "m": "million", "bn": "billion", "b": "billion"}
SCALE_OF["tn"] = "trillion"
#: A unit attached to its number. Not s: the 40s are years.
ATTACHED = re.compile(r"(?<![\w.])(\d{1,60}(?:\.\d{1,60})?)(?!s\b)([a-zA-Z]{1,4})\b")
#: Between a number and a word, these make two answers of them.
SEPARATED = re.compile(r"[;:/()]|,(?!\d)")
#: These words do not name what is counted.
NOT_COUNTED = (
    "is was are be too it that or and to than plus minus not at but more less fewer for in on if"
)
FRACTION_WORDS = {"half": 2, "third": 3, "quarter": 4, "fifth": 5, "eighth": 8, "tenth": 10}
PARTS = "|".join(name for name, number in ORDINALS.items() if number > 2)
#: The article of "a third", as opposed to that of "a third man".
A_PART = re.compile(
    rf"\ba (?=(?:{PARTS})(?: of\b|\W*$))|(?<=\band )a (?=(?:{PARTS})\b)", re.IGNORECASE
)
#: Words after a fraction that it is a part of: "half a million", where "a million" is in digits.
SCALE_OF_FRACTION = {**SCALES, **{str(scale): scale for scale in (100, *SCALES.values())}}


class Quantity(NamedTuple):
    """A number and what it counts.

    Attributes:
        value: the number as stated.
        unit: a known unit, if one is stated.
        noun: other words for what is counted, in the singular; may be empty.
    """

    value: Fraction
    unit: Unit | None = None
    noun: str = ""


def plain_numbers(text: str) -> str:
    """Scientific notation and scale letters written out: 3 × 10^8 is 300000000, 120k 120000."""
    if not any(character.isdigit() for character in text):
        return text
    text = SUPERSCRIPT_TEN.sub(lambda power: "^" + fold(power[1]).lstrip("^"), text)
    text = SCIENTIFIC.sub(_scientific, text)
    text = POWER_OF_TEN.sub(lambda power: _shifted("1", power[1]), text)
    text = re.sub(r"([$€£]\d{1,60}(?:\.\d{1,60})?) ?m\b", r"\1 million", text)
    text = LETTER_SCALE.sub(
        lambda scaled: f"{scaled[1]} {SCALE_OF[scaled[2].strip().casefold()]}", text
    )
    return ATTACHED.sub(
        lambda each: f"{each[1]} {each[2]}" if unit(each[2].casefold()) else each[0], text
    )


def _scientific(match: re.Match[str]) -> str:
    return _shifted(match[1], match[2] or match[3])


def _shifted(digits: str, exponent: str) -> str:
    power = int(fold(exponent))
    if abs(power) > MAX_EXPONENT:
        return f"{digits}e{power}"
    return decimal(Fraction(digits) * Fraction(10) ** power)


def quantity(text: str) -> Quantity | None:
    """The quantity that a text consists of; `None` for all other texts."""
    amount, rest = _first(_words(text))
    if amount is None or rest or (amount.noun and SEPARATED.search(text)):
        return None
    return amount


def quantities(text: str) -> list[Quantity]:
    """All quantities in a text, in order; "1 hour and 30 minutes" is one."""
    words = _words(text)
    amounts: list[Quantity] = []
    while words:
        amount, rest = _first(words, greedy=False)
        if amount is not None:
            amounts.append(amount)
        words = rest if amount is not None else words[1:]
    return amounts


def _words(text: str) -> list[str]:
    return _with_fractions(tokens(A_PART.sub("one ", plain_numbers(text))))


def _with_fractions(words: list[str]) -> list[str]:
    """Words in which a fraction is one number, together with its whole number and its scale.

    "3 / 4", "2 1 / 2", "two thirds", "two and a half", "an hour and a half", "half a million".
    """
    result: list[str] = []
    index = 0
    while index < len(words):
        part, size = _fraction(words, index)
        if part is None:
            result.append(words[index])
            index += 1
            continue
        index += size
        of = words[index : index + 1] == ["of"]
        following = words[index + of] if index + of < len(words) else ""
        its_unit: list[str] = []
        if 0 < part < 1:
            whole, its_unit = _whole_before(result, size == 3, unit(following) is None)
            part = part if whole is None else _mixed(int(whole), part)
        if following in SCALE_OF_FRACTION:
            part *= SCALE_OF_FRACTION[following]
            index += of + 1
        elif of and unit(following):
            index += 1
        result += [str(part), *its_unit]
    return result


def _whole_before(result: list[str], digits: bool, last: bool) -> tuple[str | None, list[str]]:
    """The whole number before a fraction, and its unit; both are removed from the words.

    Args:
        result: words up to the fraction.
        digits: whether the fraction is in digits, as in "2 1/2" as opposed to "two and a half".
        last: whether no unit follows, so that one may precede: "an hour and a half".
    """
    if digits:
        return (result.pop(), []) if result and _whole(result[-1]) else (None, [])
    if len(result) < 2 or result[-1] != "and":
        return None, []
    word = result[-2]
    if _whole(word):
        del result[-2:]
        return word, []
    number = result[-3:-2] if result[-3:-2] and _value(result[-3]) is not None else []
    if last and unit(word) and all(map(_whole, number)):
        del result[-2 - len(number) :]
        return (*number, "1")[0], [word]
    return None, []


def _mixed(whole: int, part: Fraction) -> Fraction:
    """-2 and 1/2 are -5/2; a million and a half are one and a half million."""
    scale = next((s for s in (10**12, 10**9, 10**6) if whole and whole % s == 0), 1)
    return (abs(whole) + part * scale) * (-1 if whole < 0 else 1)


def _fraction(words: list[str], index: int) -> tuple[Fraction | None, int]:
    """The fraction that starts at an index, and its number of words."""
    word, after = words[index], words[index + 1 : index + 3]
    if len(after) == 2 and after[0] == "/" and _whole(word) and _whole(after[1]):
        return (Fraction(int(word), int(after[1])), 3) if int(after[1]) else (None, 1)
    if _whole(word) and len(word) < 3 and after and (below := _parts(after[0], word)):
        return Fraction(int(word), below), 2
    return (Fraction(1, FRACTION_WORDS[word]), 1) if word in ("half", "quarter") else (None, 1)


def _parts(word: str, above: str) -> int:
    """What "thirds" after 2, or "3rd" after 1, divides by; 0 if nothing."""
    if word in ("quarter", "quarters", "half", "halves"):
        return 4 if word.startswith("q") else 2
    name = word[:-1] if word.endswith("s") else word
    if above == "1":
        return int(one[1]) if (one := re.fullmatch(r"(\d{1,2})(?:rd|th)", word)) else 0
    return ORDINALS[name] if name in ORDINALS and ORDINALS[name] > 2 and word != name else 0


def _whole(word: str) -> bool:
    return re.fullmatch(r"-?\d{1,60}", word, re.ASCII) is not None


def _value(word: str) -> Fraction | None:
    if LITERAL.fullmatch(word) or re.fullmatch(r"-?\d{1,60}/\d{1,60}", word, re.ASCII):
        return Fraction(word)
    return None


def _first(words: list[str], greedy: bool = True) -> tuple[Quantity | None, list[str]]:
    """The quantity at the start of some words, and the words after it.

    Args:
        words: as `_words` gives them.
        greedy: whether up to three words that are not a known unit are what is counted.
    """
    before = None
    if words[:2] == ["us", "$"]:
        before, words = unit("$"), words[2:]
    elif words and words[0] in BEFORE:
        before, words = unit(words[0]), words[1:]
    value = _value(words[0]) if words else None
    if value is None:
        return None, words
    words = words[1:]
    after, words = _unit(words)
    known = after or before
    if known is None and greedy and 0 < len(words) <= 3 and _is_noun(words):
        return Quantity(value, None, singular(" ".join(words))), []
    if known is not None and known.dimension == "none":
        known = None
    amount = Quantity(value, known)
    return _compound(amount, words) if known is not None else (amount, words)


def _is_noun(words: list[str]) -> bool:
    # Not isalpha(): a word may contain marks.
    return not any(
        re.search(rf"[\d_{SIGNS}]", word) or word in NOT_COUNTED.split() for word in words
    )


def _unit(words: list[str]) -> tuple[Unit | None, list[str]]:
    for size in (3, 2, 1):
        joined = (
            " ".join(words[:size]).replace(" / ", "/").replace("° c", "°c").replace("2nd", "second")
        )
        joined = joined.replace("° f", "°f").replace("m ^ 2", "m^2").replace("m ^ 3", "m^3")
        if len(words) >= size and (known := unit(joined)):
            return known, words[size:]
    return None, words


def _compound(amount: Quantity, words: list[str]) -> tuple[Quantity, list[str]]:
    """ "1 hour and 30 minutes" as 1.5 hours, if a smaller unit of the same kind follows."""
    rest = words[1:] if words[:1] == ["and"] else words
    value = _value(rest[0]) if rest else None
    # "In" means inches only after feet.
    smaller, after = _unit(["inch" if word == "in" else word for word in rest[1:2]] + rest[2:])
    assert amount.unit is not None
    if (
        value is None
        or smaller is None
        or smaller.dimension != amount.unit.dimension
        or smaller.factor >= amount.unit.factor
    ):
        return amount, words
    return amount._replace(value=amount.value + value * smaller.factor / amount.unit.factor), after


def same_quantity(accepted: Quantity, answer: Quantity) -> bool:
    """Whether an answer is the accepted quantity; units are compared if both state one."""
    ours, theirs = accepted.unit, answer.unit
    if ours is not None and theirs is not None:
        same = ours.dimension == theirs.dimension
        return same and accepted.value * ours.factor == answer.value * theirs.factor
    if theirs is not None and theirs.dimension == "before christ":
        return False
    if theirs is not None and theirs.dimension == "percent":
        if accepted.noun:
            return False
        # A number below 1 is a share: 0.75 is 75 %, and not 0.75 %.
        below = abs(accepted.value) < 1
        return accepted.value == (answer.value / 100 if below else answer.value)
    if ours is not None and ours.dimension == "percent":
        if answer.noun:
            return False
        return answer.value in (accepted.value, accepted.value / 100)
    if ours is not None and ours.dimension == "before christ":
        return False
    if accepted.noun and (theirs is not None or answer.noun):
        return accepted.value == answer.value and _last(accepted.noun) == _last(answer.noun)
    if ours is not None and answer.noun:
        return False
    return accepted.value == answer.value


def _last(noun: str) -> str:
    return noun.rsplit(" ", 1)[-1]
