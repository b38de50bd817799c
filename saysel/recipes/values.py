"""Values that are invalid under any key of a recipe: one line for each.

YAML can express texts that cannot be written to a file, numbers that are not finite, and structures
that grow without limit from a few lines. They are refused before any component sees them.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from saysel.recipes.paths import Step, show

#: Maximum depth of nested mappings and lists.
MAX_DEPTH = 40
#: Maximum number of mappings, lists and values; those repeated by an alias count each time.
MAX_VALUES = 100_000
#: Maximum number of bytes of a recipe's name. A folder's name has at most 255; the difference is
#: left for suffixes such as `-smoke`.
MAX_NAME_BYTES = 150


def invalid_values(value: Any, at: tuple[Step, ...] = ()) -> Iterator[str]:
    """The problems of the values of a recipe, as `path: rule (got value)`."""
    budget = [MAX_VALUES]
    yield from _invalid(value, at, budget)
    if budget[0] < 0:
        yield f"recipe: more than {MAX_VALUES:,} values; those repeated by aliases count each time"


def name_problem(name: str) -> str | None:
    """Why a name cannot be that of a folder; `None` if it can."""
    if any(unicodedata.category(letter).startswith("C") for letter in name):
        return "must not contain line breaks or other control characters"
    if len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
        return f"must have at most {MAX_NAME_BYTES} bytes, because it names a folder"
    return None


def shortened(name: str, max_bytes: int = MAX_NAME_BYTES) -> str:
    """A name cut to a number of bytes of UTF-8, for a folder or file."""
    return name.encode()[:max_bytes].decode(errors="ignore")


def _invalid(value: Any, at: tuple[Step, ...], budget: list[int]) -> Iterator[str]:
    budget[0] -= 1
    if budget[0] < 0:
        return
    if isinstance(value, Mapping | list | tuple):
        if len(at) >= MAX_DEPTH:
            yield f"{show(at[:3])}…: nested deeper than {MAX_DEPTH} levels"
            return
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            if isinstance(key, str) and (problem := _problem(key)):
                yield f"{show(at) or 'recipe'}: a key {problem} (got {key!a})"
                continue
            yield from _invalid(item, (*at, key if isinstance(key, int) else str(key)), budget)
    elif problem := _problem(value):
        yield f"{show(at) or 'recipe'}: {problem} (got {value!a:.60})"


def _problem(value: Any) -> str | None:
    if isinstance(value, str):
        if "\0" in value:
            return "must not contain the character NUL"
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            return "must not contain half of a surrogate pair: write the character itself"
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else "must be a finite number"
    if value is None or isinstance(value, bool | int):
        return None
    kind = type(value).__name__
    return f"must be a string, number, list or mapping, not of type {kind}; write it in quotes"
