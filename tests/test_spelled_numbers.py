from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.spelled_numbers import TENS, UNITS, in_digits


def spell(number: int) -> str:
    """English words for 0 to 999,999,999."""
    for value, word in ((10**6, "million"), (1000, "thousand"), (100, "hundred")):
        if number >= value:
            rest = number % value
            joined = f" and {spell(rest)}" if 0 < rest < 100 else f" {spell(rest)}" if rest else ""
            return f"{spell(number // value)} {word}{joined}"
    if number < 20:
        return UNITS.split()[number]
    tens = TENS.split()[number // 10 - 2]
    return f"{tens} {spell(number % 10)}" if number % 10 else tens


@given(st.integers(0, 10**9 - 1))
def test_every_number_is_read(number: int) -> None:
    assert in_digits(spell(number).split()) == [str(number)]


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("nineteen eighty four", "1984"),
        ("twenty twenty one", "2021"),
        ("nineteen hundred", "1900"),
        ("5 million", "5000000"),
        ("3.5 million", "3500000"),
        ("a thousand", "1000"),
        ("a fox", "a fox"),
        ("one two three", "1 2 3"),
        ("two and three", "2 and 3"),
        ("hundred", "hundred"),
        ("million dollar", "million dollar"),
        ("minus five", "-5"),
        ("minus one", "-1"),
        ("negative space", "negative space"),
        ("first third tenth eleventh", "1st 3rd 10th eleventh"),
        ("3.50 and 3.0", "3.5 and 3"),
        ("one million million", "1000000000000"),
        ("", ""),
    ],
)
def test_what_people_say(said: str, digits: str) -> None:
    assert in_digits(said.split()) == digits.split()
