"""Numbers as people read them."""

from __future__ import annotations

from math import floor

#: A true minus sign, as wide as the plus sign.
MINUS = "\u2212"
#: A narrow space that does not break.
THIN_SPACE = "\u202f"


def number(value: float, counts: bool = False, sign: bool = False) -> str:
    """Three decimals, or one from 10 up, with a true minus sign.

    Args:
        counts: whether it is a number of things: no decimals, or one if it is not whole, like a
            mean over seeds.
        sign: whether to write a plus sign too. A value that rounds to zero has no sign.
    """
    whole = counts and round(value, 9) % 1 == 0
    decimals = 0 if whole else 1 if counts or abs(value) >= 10 else 3
    text = f"{abs(value):.{decimals}f}"
    if float(text) == 0:
        return text
    return (MINUS if value < 0 else "+" if sign else "") + text


def interval(
    low: float | None, high: float | None, counts: bool = False, sign: bool = False
) -> str:
    """`0.120 to 0.310`, empty without an interval."""
    if low is None or high is None:
        return ""
    return f"{number(low, counts, sign)} to {number(high, counts, sign)}"


def percent(share: float) -> str:
    """`85%`, `33.33%`, `> 99.99%`: four digits, but never rounded to certainty."""
    text = f"{100 * share:.4g}%"
    return "> 99.99%" if text == "100%" and share < 1 else text


def p_value(p: float, level: float) -> str:
    """Three decimals, `< 0.001`; a fourth where rounding would lift it to the level of the test."""
    if p < 0.001:
        return "< 0.001"
    text = f"{p:.3f}"
    return f"{floor(p * 1e4) / 1e4:.4f}" if p < level <= float(text) else text


def grouped(value: float) -> str:
    """A whole number with its digits in groups of three."""
    return f"{value:,.0f}".replace(",", THIN_SPACE)
