"""What a cell of a data file says: nothing, a number, a truth, a text, several texts."""

from __future__ import annotations

import ast
import json
import math
from contextlib import suppress
from typing import Any

#: How a file says that there is nothing, in lower case.
MISSING = frozenset({"", "null", "none", "nan", "na", "n/a", "<na>"})
TRUTHS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}


def missing(value: object) -> bool:
    """Whether there is nothing: empty, null, NaN, or a word for it."""
    if isinstance(value, str):
        return value.strip().lower() in MISSING
    return value is None or (isinstance(value, float) and math.isnan(value))


def number_in(value: object) -> float | None:
    """A finite number, `0.7` or `70%`; `None` for anything else, truths included."""
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
    """1 for true, 0 for false, and a number as it is; `None` for anything else."""
    if isinstance(value, bool):
        return float(value)
    known = TRUTHS.get(value.strip().lower()) if isinstance(value, str) else None
    return number_in(value) if known is None else known


def text_in(value: object) -> str | None:
    """The text; what is no text is written as JSON. `None` for null and NaN."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def texts_in(value: object) -> tuple[str, ...]:
    """The texts of a list, or of one that is written in one cell as JSON or as Python shows it.

    Any other value is one text; empty ones are left out.
    """
    if isinstance(value, str) and value.lstrip().startswith("["):
        cell = value
        for read in (json.loads, _shown):
            with suppress(ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                written = read(cell)
                # "[0, 1]" is an interval, not two answers.
                if all(isinstance(item, str) for item in written):
                    value = written
                    break
    found = map(text_in, value if isinstance(value, list) else [value])
    return tuple(text for text in found if text is not None and text.strip())


def _shown(cell: str) -> Any:
    """The list that Python shows like this, as pandas writes lists into CSV.

    Raises:
        ValueError: it shows none like this; an array of texts has no commas, for instance, and
            read as a list would be one text.
    """
    found = ast.literal_eval(cell.strip())
    if repr(found) != cell.strip():
        raise ValueError(cell)
    return found
