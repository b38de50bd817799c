"""The normal form of an answer: equal keys mean the same answer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from saysel.answers import expressions
from saysel.answers.dates import date
from saysel.answers.latex import plain
from saysel.answers.normalise import MAX_LENGTH, SIGNS, collapse, fold, normalise
from saysel.answers.quantities import plain_numbers, quantity

RANGE = re.compile(r"(?:from )?(\d{1,60}) ?(?:-|to|until) ?(\d{1,60})", re.ASCII)


@lru_cache(maxsize=65_536)
def key(text: str) -> str:
    """The normal form of an answer, as an expression, a quantity, a date or words.

    Words are joined without spaces: "Spider-Man" is "Spiderman", "U.S.A." is "USA". Digits are not:
    "10-4" is not 104. Units are converted: "1.5 hours" is "90 minutes". The key of a text of more
    than `MAX_LENGTH` characters is its words in lower case.
    """
    text = text.strip()
    if len(text) > MAX_LENGTH:
        return collapse(text)
    read = plain(text)
    number = plain_numbers(read)
    if (expression := expressions.canonical(number)) is not None:
        return expression
    if (amount := quantity(number)) is not None and not amount.noun:
        if amount.unit is None:
            return str(amount.value)
        return f"{amount.value * amount.unit.factor} {amount.unit.dimension}"
    if (day := date(read)) is not None:
        return f"date {day.year} {day.month} {day.day}"
    if (ends := RANGE.fullmatch(fold(number).strip(" ."))) is not None:
        return f"{ends[1]} to {ends[2]}"
    return re.sub(rf"(?<![\d{SIGNS}]) (?=[^\W\d])", "", normalise(number)) or collapse(text)


def keys(answers: Sequence[str]) -> list[str]:
    """The keys of answers to one question.

    A number without a unit takes the unit of the others if there is only one: among "18" and "$18"
    both are dollars; among "18", "$18" and "18 %", the first has a separate key.
    """
    own_keys = [key(answer) for answer in answers]
    with_unit: defaultdict[str, set[str]] = defaultdict(set)
    for answer, own in zip(answers, own_keys, strict=True):
        amount = quantity(plain_numbers(plain(answer))) if len(answer) <= MAX_LENGTH else None
        if amount is not None and (amount.unit is not None or amount.noun):
            with_unit[str(amount.value)].add(own)
    return [only(with_unit[own]) if len(with_unit.get(own, ())) == 1 else own for own in own_keys]


def only(values: set[str]) -> str:
    """The one element of a set."""
    (value,) = values
    return value
