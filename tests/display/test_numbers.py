from __future__ import annotations

import pytest

from saysel.display.durations import duration
from saysel.display.numbers import grouped, interval, number, p_value, percent


@pytest.mark.parametrize(
    ("value", "options", "text"),
    [
        (0.12345, {}, "0.123"),
        (-0.5, {}, "−0.500"),
        (71.25, {}, "71.2"),
        (11.0, {"counts": True}, "11"),
        (19 / 3, {"counts": True}, "6.3"),
        (0.25, {"sign": True}, "+0.250"),
        (-0.0001, {"sign": True}, "0.000"),
    ],
)
def test_numbers(value, options, text):
    assert number(value, **options) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.8, "0.800"),
        (0.0004, "< 0.001"),
        (0.04949, "0.049"),
        (0.0496, "0.0496"),  # "better" next to 0.050 would look like a mistake
        (0.0499999, "0.0499"),
        (0.05, "0.050"),
        (1.0, "1.000"),
    ],
)
def test_p_values_are_on_the_side_of_the_level_that_they_are_on(p, text):
    assert p_value(p, 0.05) == text


def test_intervals_and_groups_of_digits():
    assert interval(-0.5, 0.25, sign=True) == "−0.500 to +0.250"
    assert interval(None, 0.25) == ""
    assert grouped(1234567) == "1\u202f234\u202f567"


@pytest.mark.parametrize(
    ("seconds", "decimals", "text"),
    [
        (0, 0, "0 s"),
        (8.26, 1, "8.3 s"),
        (8.26, 0, "8 s"),
        (59.96, 1, "1 min 00 s"),
        (250, 0, "4 min 10 s"),
        (3599.7, 0, "1 h 00 min"),
        (7500, 1, "2 h 05 min"),
    ],
)
def test_durations(seconds, decimals, text):
    assert duration(seconds, decimals) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.3, "30%"),
        (0.1 + 0.2, "30%"),
        (0.9996, "99.96%"),
        (0.0004, "0.04%"),
        (1, "100%"),
        (1 / 3, "33.33%"),
        (1 - 1e-6, "> 99.99%"),
        (1e-6, "0.0001%"),
        (0, "0%"),
    ],
)
def test_a_percentage_is_not_rounded_to_certainty(share: float, text: str) -> None:
    assert percent(share) == text
