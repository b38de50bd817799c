"""Values that no key of a recipe takes, wherever they are: one line for each.

YAML can write texts that no file can hold, numbers that are none, and structures that grow without
limit from a few lines. They are refused here, before any component sees them.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from saysel.recipes.paths import Step, show

#: Mappings and lists inside each other.
DEEPEST = 40
#: Mappings, lists and values in all, what is repeated through aliases counted each time.
MOST = 100_000
#: Combinations of a matrix.
MOST_CELLS = 1_000
#: Bytes of a recipe's name; a folder's name has 255, of which some are for `-smoke` and the like.
LONGEST_NAME = 150


def unusable(value: Any, at: tuple[Step, ...] = ()) -> Iterator[str]:
    """What is wrong with the values of a recipe, as `path: rule (got value)`."""
    budget = [MOST]
    yield from _unusable(value, at, budget)
    if budget[0] < 0:
        yield f"recipe: more than {MOST:,} values, those repeated through aliases counted each time"


def name_problem(name: str) -> str | None:
    """Why a name cannot be that of a folder, `None` if it can."""
    if any(unicodedata.category(letter).startswith("C") for letter in name):
        return "must not contain line breaks or other control characters"
    if len(name.encode("utf-8", "replace")) > LONGEST_NAME:
        return f"must have at most {LONGEST_NAME} bytes, as it names a folder"
    return None


def shortened(name: str, most: int = LONGEST_NAME) -> str:
    """A name cut to so many bytes of UTF-8, for a folder or file."""
    return name.encode()[:most].decode(errors="ignore")


def _unusable(value: Any, at: tuple[Step, ...], budget: list[int]) -> Iterator[str]:
    budget[0] -= 1
    if budget[0] < 0:
        return
    if isinstance(value, Mapping | list | tuple):
        if len(at) >= DEEPEST:
            yield f"{show(at[:3])}…: nested deeper than {DEEPEST} levels"
            return
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            if isinstance(key, str) and (problem := _problem(key)):
                yield f"{show(at) or 'recipe'}: a key {problem} (got {key!a})"
                continue
            yield from _unusable(item, (*at, key if isinstance(key, int) else str(key)), budget)
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
    return f"must be a text, number, list or mapping, not of type {kind}; write it in quotes"
