"""Single values of a data file: nothing, a number, a truth value, a text, a reply."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

#: How a file says that there is no value, in lower case.
MISSING = frozenset({"", "null", "none", "nan", "na", "n/a", "<na>"})
#: How graders spell their verdicts, in lower case.
RIGHT = frozenset({"true", "t", "yes", "y", "correct", "c", "right", "pass", "passed"})
WRONG = frozenset({"false", "f", "no", "n", "incorrect", "i", "wrong", "fail", "failed"})


def missing(value: object) -> bool:
    """Whether there is nothing: empty, null, NaN, or a word for it."""
    return absent(value) or (isinstance(value, str) and value.strip().lower() in MISSING)


def absent(value: object) -> bool:
    """Whether there is nothing, whatever it is called: `NA` is the id of Namibia."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def number_in(value: object) -> float | None:
    """A finite number, `0.7` or `70%`; `None` for anything else, truth values included."""
    if isinstance(value, bool):
        return None
    try:
        if not isinstance(value, str):
            number = float(value)  # type: ignore[arg-type]
        elif not value.isascii() or "_" in value:
            return None  # float() takes it, and nobody writes a number like this
        elif value.strip().endswith("%"):
            number = float(value.strip()[:-1]) / 100
        else:
            number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def truth_in(value: object) -> float | None:
    """1 for right, 0 for wrong, and a number as it is; `None` for anything else."""
    if isinstance(value, bool):
        return float(value)
    word = value.strip().lower() if isinstance(value, str) else None
    if word in RIGHT:
        return 1.0
    return 0.0 if word in WRONG else number_in(value)


def text_in(value: object) -> str | None:
    """The text; anything else is written as JSON. `None` for null and NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def reply_in(value: object) -> str | None:
    """A reply, also as the only item of a list; `None` for null and NaN.

    Raises:
        ValueError: several replies, or none that is a text.
    """
    while isinstance(value, list):
        if len(value) != 1:
            raise ValueError(f"it holds {len(value)} replies: write one row for each")
        (value,) = value
    if isinstance(value, Mapping):
        raise ValueError(f"it holds an object with {', '.join(map(str, value))}")
    return text_in(value)
