from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.answers import choice, key, normalise, number, only_number, readings

SPOKEN = (
    "one ten twelve twenty hundred thousand million and a minus 5 3.5 0 the third U.S. café true "
    "not -7 1,000"
)
spoken = st.lists(st.sampled_from(SPOKEN.split()), max_size=8).map(" ".join)


@given(st.text(max_size=20) | spoken)
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The Café, at Twenty-Two!", "cafe at 22"),
        ("the U.S.A.", "usa"),
        ("1,000.50", "1000.5"),
        ("10,00", "10 00"),
        (".5 %", "0.5"),
        ("v1.2b", "v1 2b"),
        ("?", "?"),
        ("the", "the"),
    ],
)
def test_words(text: str, words: str) -> None:
    assert normalise(text) == words


def test_spaces_count_beside_digits_only() -> None:
    assert key("Spider-Man") == key("spiderman")
    assert key("10-4") != key("104")
    assert key("Apollo 11") == key("apollo  eleven") != key("Apollo 1 1")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("$1,000.00", 1000), ("he was 18", 18), ("3 + 4 = 7", 7), ("7 = 3 + 4", None)),
        *(("7 or 8", None), ("8, that is eight", 8), ("none", None), ("", None), ("-5 m", -5)),
        *(("1/2", Fraction(1, 2)), ("2 1/2", Fraction(5, 2)), ("2½", Fraction(5, 2))),
        *(("1/0", None), ("½", Fraction(1, 2)), ("x = 1/4", Fraction(1, 4))),
    ],
)
def test_the_one_number(text: str, value: Fraction | None) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", ["$18", "18 %", "eighteen", "1/2", "1,000"])
def test_what_is_a_number_and_nothing_else(text: str) -> None:
    assert only_number(text) is not None


@pytest.mark.parametrize("text", ["18 men", "Apollo 11", "AC/DC", "", "$", "7 8"])
def test_what_is_not(text: str) -> None:
    assert only_number(text) is None


@given(st.text(max_size=40))
def test_no_text_is_too_much(text: str) -> None:
    number(text), only_number(text), choice(text)
    assert readings(text)[0] == text


def test_lead_ins_and_brackets() -> None:
    assert readings("I think that it is in Paris (France)") == [
        "I think that it is in Paris (France)",
        "I think that it is in Paris",
        "in Paris",
        "Paris",
    ]
    assert readings("(it is)")[-1]
