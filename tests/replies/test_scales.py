"""A number on another scale than was asked for is missing, never converted by guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.interfaces import Format
from saysel.registry import build

TENTHS = build("format", "sayself")
PERCENT = build("format", "percent")
BARE_PERCENT = build("format", {"use": "percent", "require_sign": False})
FRACTION = build("format", "fraction")


def read(format: Format, stated: str) -> float | None:
    return format.parse(f"Answer: Paris\nConfidence: {stated}").confidence


@pytest.mark.parametrize(
    "stated", ["0.8", ".8", "0.95", "0.05", "1.0", "0.8.", "**0.8**", "０．８"]
)
@pytest.mark.parametrize("format", [TENTHS, PERCENT, BARE_PERCENT], ids=["10", "%", "100"])
def test_a_probability_is_neither_tenths_nor_percent(format: Format, stated: str) -> None:
    assert read(format, stated) is None
    assert read(FRACTION, stated) == float(stated.strip("*").rstrip(".").replace("．", "."))


@pytest.mark.parametrize(
    ("stated", "tenths", "percent", "bare", "fraction"),
    [
        ("0", 0.0, None, 0.0, 0.0),
        ("0.0", 0.0, None, 0.0, 0.0),
        ("1", 0.1, None, 0.01, 1.0),
        ("8.5", 0.85, None, 0.085, None),
        ("10", 1.0, None, 0.1, None),
        ("10.0", 1.0, None, 0.1, None),
        ("8/10", 0.8, None, None, None),
        ("0.8/10", 0.08, None, None, None),
        ("8 out of 10", 0.8, None, None, None),
        ("８／１０", 0.8, None, None, None),
        ("85", None, None, 0.85, None),
        ("85/100", None, 0.85, 0.85, 0.85),
        ("85 out of 100.", None, 0.85, 0.85, 0.85),
        ("85%", None, 0.85, 0.85, 0.85),
        ("85 percent", None, 0.85, 0.85, 0.85),
        ("８５％", None, 0.85, 0.85, 0.85),
        ("0.9%", None, 0.009, 0.009, 0.009),
        ("100.0%", None, 1.0, 1.0, 1.0),
        ("~85%", None, None, None, None),
        ("101%", None, None, None, None),
        ("8/9", None, None, None, None),
        ("8,5", None, None, None, None),
        ("9" * 5000, None, None, None, None),
        ("0." + "9" * 5000, None, None, None, None),
    ],
)
def test_scales(
    stated: str,
    tenths: float | None,
    percent: float | None,
    bare: float | None,
    fraction: float | None,
) -> None:
    found = [read(format, stated) for format in (TENTHS, PERCENT, BARE_PERCENT, FRACTION)]

    assert found == [tenths, percent, bare, fraction]


@given(st.decimals(0, 1, places=3).filter(lambda value: 0 < value < 1), st.sampled_from("*_ ."))
def test_no_fraction_becomes_a_hundredth(value: object, after: str) -> None:
    for format in (TENTHS, PERCENT, BARE_PERCENT):
        assert read(format, f"{value}{after}") is None
