"""Whether an answer is one of the accepted ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from saysel.answers.choices import accepted_choices, choice
from saysel.answers.dates import date, same_date
from saysel.answers.expressions import canonical
from saysel.answers.keys import key
from saysel.answers.latex import plain
from saysel.answers.normalise import MAX_LENGTH
from saysel.answers.options import option
from saysel.answers.plurals import differ_in_number_alone
from saysel.answers.quantities import (
    Quantity,
    plain_numbers,
    quantities,
    quantity,
    same_quantity,
)
from saysel.answers.readings import core, doubtful, led, loose, negated, squeeze
from saysel.answers.roman import in_arabic

YES_NO = re.compile(r"(yes|no)(?:[,.;:!]|$)", re.IGNORECASE)
#: "A. White" is a person as an accepted answer.
INITIAL = re.compile(r"[A-Z]\. \w")
#: A name that may also be written without the hyphen: A-Team, A-level.
A_HYPHEN = re.compile(r"(?:the )?a-\w", re.IGNORECASE)
#: An answer that says yes or no and adds nothing.
BARE = re.compile(
    r"(?:yes|no)(?:, (?:it|that|this|he|she|they|you|there) (?:is|are|was|were|does|do|did|can|has)"
    r"(?: not|n['’]t)?| (?:it|they|you) (?:is|are|do|does|can)(?: not|n['’]t)?)?[.! ]*",
    re.IGNORECASE,
)
#: Directly before a number, these make it a bound and not the answer.
BOUND = re.compile(
    r"\b(?:(?:more|less|fewer|greater|higher|lower|larger|smaller|older|younger|later|earlier) than"
    r"|at (?:least|most)|up to|under|over|above|below|before|after|until|almost|nearly|between"
    r"|from|versus|vs)\.? (?:about |a |the )*[$€£]?(?=\d)|\d ?\+(?= |$)"
    r"|\bor (?:more|less|fewer|so|later|earlier|higher|lower)\b",
    re.IGNORECASE,
)
RANGE = re.compile(r"\d ?[-–—] ?\d|\d to \d")
#: A capitalised word before a number makes it a name: Formula 1, Apollo 11.
NAMED_NUMBER = re.compile(r"\b([A-Z][A-Za-z]*) (?=\d)")
RATIONAL = re.compile(r"-?\d+(?:/\d+)?")
#: A number before a capitalised word is part of a name: Seven Samurai, 50 Cent.
TITLE = re.compile(r"\W*[\w-]+ [A-Z]")
MAY_PRECEDE = (
    "about around approximately roughly exactly only just in circa year answer total is are was "
    "were there maybe probably perhaps january february march april may june july august september "
    "october november december jan feb mar apr jun jul aug sep sept oct nov dec at by on of and "
    "usd eur gbp us ad bc the minus negative equals"
)


def matches(accepted: Sequence[str], answer: str, wrong: Sequence[str] = ()) -> bool:
    """Whether an answer is one of the accepted ones.

    Args:
        accepted: all correct answers.
        answer: the answer to judge; only its words are compared if it has more than `MAX_LENGTH`
            characters.
        wrong: known wrong answers; an answer that equals one of them is not accepted.
    """
    if not answer.strip():
        return False
    answer_key = key(answer)
    if answer_key in {key(right) for right in accepted}:
        return True
    if len(answer) > MAX_LENGTH:
        return False
    if (choices := accepted_choices(tuple(accepted))) is not None:
        labelled = option(answer)
        return choice(led(squeeze(labelled.text if labelled else answer))) in choices
    if answer_key in {key(known) for known in wrong}:
        return False
    read = plain(answer)
    return any(_accepts(right, read, wrong) for right in accepted if len(right) <= MAX_LENGTH)


def _accepts(right: str, answer: str, wrong: Sequence[str]) -> bool:
    if (chosen := _same_option(right, answer)) is not None:
        return chosen
    if start := YES_NO.match(right):
        return _says_bare(answer, start[1]) and not any(
            _starts_with(known, start[1]) for known in wrong
        )
    right = plain(right)
    core_answer = core(answer)
    if key(core_answer) == key(right):
        return True
    if (gold := quantity(_numbers(right))) is not None and _numeric(right):
        return _says_number(gold, core_answer)
    if (day := date(right)) is not None:
        other = date(core_answer)
        precise = day.year is not None or day.day is not None
        return other is not None and precise and same_date(day, other)
    return _same_words(right, core_answer) or _same_value(right, core_answer)


def _same_option(right: str, answer: str) -> bool | None:
    """Whether both are the same option; `None` if the accepted answer is not an option."""
    ours, theirs = option(right), option(core(answer)) or option(answer)
    if INITIAL.match(right):
        return None
    if ours is None:
        if theirs is not None and theirs.text:
            return key(theirs.text) == key(right) or None
        return None
    if theirs is not None:
        same_text = not (ours.text and theirs.text) or key(ours.text) == key(theirs.text)
        return ours.letter == theirs.letter and same_text
    if ours.text:
        return key(core(answer)) == key(ours.text)
    return None if len(squeeze(right)) == 1 else False


def _says_bare(answer: str, word: str) -> bool:
    answer = squeeze(answer)
    return BARE.fullmatch(answer) is not None and _starts_with(answer, word)


def _starts_with(text: str, word: str) -> bool:
    start = YES_NO.match(text.strip())
    return start is not None and start[1].casefold() == word.casefold()


# ------------------------------------------------------------------------------------- numbers


@lru_cache(maxsize=8_192)
def _numbers(text: str) -> str:
    return plain_numbers(squeeze(text))


def _numeric(right: str) -> bool:
    """Whether a quantity is a number, with or without unit, and not a title (50 Cent)."""
    return not re.search(r"\d,? [A-Z][a-z]", right) or quantity(right).unit is not None  # type: ignore[union-attr]


def _says_number(gold: Quantity, answer: str) -> bool:
    """Whether the only number of an answer is the accepted one."""
    if (day := date(answer)) is not None:
        return gold.unit is None and not gold.noun and day.year == gold.value
    text = _numbers(answer)
    if "=" in text:
        text = text.rpartition("=")[2].strip()
    if (value := canonical(text)) is not None:
        return RATIONAL.fullmatch(value) is not None and same_quantity(
            gold, Quantity(Fraction(value))
        )
    if not doubtful(text):
        text = re.sub(r" ?\([^()]*\)", "", text) or text
    amount = quantity(text)
    if amount is None or amount.noun:
        if negated(text) or doubtful(text) or BOUND.search(text) or RANGE.search(text):
            return False
        if _named_number(text) or (amount is not None and TITLE.match(text)):
            return False
        amounts = set(quantities(text)) if amount is None else {amount}
        if len(amounts) != 1:
            return False
        amount = amounts.pop()
    return same_quantity(gold, amount)


def _named_number(text: str) -> bool:
    """Whether the number in a text belongs to the name before it: Formula 1, Henry VIII."""
    before = NAMED_NUMBER.findall(in_arabic(text))
    return any(word.casefold() not in MAY_PRECEDE.split() for word in before)


# --------------------------------------------------------------------------------------- words


def _same_words(right: str, answer: str) -> bool:
    if negated(answer) and not negated(right):
        return False
    # All of an accepted sentence is part of the answer: nothing in it is an explanation.
    core_right = led(squeeze(right))
    ours, theirs = {key(right), key(core_right)}, key(answer)
    if any(key(reading) in ours for reading in loose(answer)):
        return True
    if any(key(reading) == theirs for reading in loose(core_right)):
        return True
    if differ_in_number_alone(core_right, led(answer)):
        return True
    if A_HYPHEN.match(core_right) or A_HYPHEN.match(answer):
        # The A of "A Team" is no article; nor is any after "the".
        return key(f"the {core_right}") == key(f"the {answer}")
    return _same_list(core_right, answer)


def _same_list(first: str, second: str) -> bool:
    """Whether both list the same two or more things, in any order."""
    if doubtful(first) or doubtful(second) or "(" in first:
        return False
    ours, theirs = _items(first), _items(second)
    return len(ours) > 1 and ours == theirs


def _items(text: str) -> list[str]:
    return sorted(key(item) for item in re.split(r",? (?:and|&) |, ", text) if item.strip())


def _same_value(right: str, answer: str) -> bool:
    """Whether both are the same value; one of them may name its variable ("x = 5" and "5")."""
    for equation, other in ((right, answer), (answer, right)):
        name, equals, rest = _numbers(equation).partition("=")
        if equals and len(name.strip()) == 1 and "=" not in other and rest.strip():
            return key(rest) == key(other)
    return False
