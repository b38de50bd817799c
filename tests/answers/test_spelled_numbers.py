from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.answers.spelled_numbers import TENS, UNITS, decimal, in_digits

WORDS = "one twenty hundred thousand trillion a half dozen and , 5 3.5"


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
        ("first third tenth eleventh", "1st 3rd 10th 11th"),
        ("3.50 and 3.0", "3.5 and 3"),
        ("one million million", "1000000000000"),
        ("seven , eight", "7 8"),
        ("twenty , thirty", "20 30"),
        ("one thousand , two hundred", "1200"),
        ("a dozen", "12"),
        ("half a dozen", "6"),
        ("two dozen", "24"),
        ("twenty third", "23rd"),
        ("fourteenth twentieth", "14th 20th"),
        ("0.1 million", "100000"),
        ("1.5 hundred", "1.5 hundred"),
        ("", ""),
    ],
)
def test_what_people_say(said: str, digits: str) -> None:
    assert in_digits(said.split()) == digits.split()


@pytest.mark.parametrize(
    "said",
    [
        "5 " + "trillion " * 400,
        "9" * 4301,
        "9" * 310 + ".5 thousand",
        "9" * 60 + ".5 thousand " * 50,
        "two hundred " * 500,
        "minus " * 500 + "5",
        "a dozen " * 500,
    ],
)
def test_repetition_loops_and_endless_digits_are_read(said: str) -> None:
    assert in_digits(said.split())


@given(st.lists(st.sampled_from(WORDS.split()) | st.text("0123456789.-", min_size=1, max_size=80)))
def test_any_words_are_read(words: list[str]) -> None:
    assert len(in_digits(words)) <= len(words)


@given(st.fractions(max_denominator=10**6))
def test_decimals_are_exact(value: Fraction) -> None:
    assert Fraction(decimal(value)) == value
