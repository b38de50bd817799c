"""Durations as people read them."""

from __future__ import annotations


def duration(seconds: float, decimals: int = 0) -> str:
    """`8 s`, `4 min 10 s`, `2 h 05 min`.

    Args:
        decimals: of the seconds, below a minute.
    """
    if round(seconds, decimals) < 60:
        return f"{seconds:.{decimals}f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
