"""Single values of a data file: missing, a number, right or wrong, a text, a reply."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

#: How files spell a missing value, in lower case.
MISSING = frozenset({"", "null", "none", "nan", "na", "n/a", "<na>"})
#: How graders spell right and wrong, in lower case.
RIGHT = frozenset({"true", "t", "yes", "y", "correct", "c", "right", "pass", "passed"})
WRONG = frozenset({"false", "f", "no", "n", "incorrect", "i", "wrong", "fail", "failed"})


def missing(value: object) -> bool:
    """Whether a value is empty, null, NaN, or a word for that."""
    return absent(value) or (isinstance(value, str) and value.strip().lower() in MISSING)


def absent(value: object) -> bool:
    """Whether a value is empty, null or NaN; words do not count: `NA` is the id of Namibia."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def parse_number(value: object) -> float | None:
    """A finite number, `0.7` or `70%`; `None` for anything else, truth values included."""
    if isinstance(value, bool):
        return None
    try:
        if not isinstance(value, str):
            number = float(value)  # type: ignore[arg-type]
        elif not value.isascii() or "_" in value:
            return None  # float() accepts these, but they are not how data files write numbers
        elif value.strip().endswith("%"):
            number = float(value.strip()[:-1]) / 100
        else:
            number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def parse_correctness(value: object) -> float | None:
    """1 for right, 0 for wrong, a number unchanged; `None` for anything else."""
    if isinstance(value, bool):
        return float(value)
    word = value.strip().lower() if isinstance(value, str) else None
    if word in RIGHT:
        return 1.0
    return 0.0 if word in WRONG else parse_number(value)


def parse_text(value: object) -> str | None:
    """The text; other values as JSON; `None` for null and NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def parse_reply(value: object) -> str | None:
    """A reply, or the only item of a list; `None` for null and NaN.

    Raises:
        ValueError: a list of several replies, or an object.
    """
    while isinstance(value, list):
        if len(value) != 1:
            raise ValueError(f"it holds {len(value)} replies: write one row for each")
        (value,) = value
    if isinstance(value, Mapping):
        raise ValueError(f"it holds an object with {', '.join(map(str, value))}")
    return parse_text(value)
