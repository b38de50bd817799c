"""The `matrix` of a recipe: paths in the recipe and the values to try for each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from saysel.recipes.paths import split

#: Maximum number of combinations.
MAX_CELLS = 1_000

Matrix = Mapping[str, tuple[Any, ...]]


def check_matrix(matrix: Matrix) -> None:
    """Refuse a matrix with too many combinations, or with combinations of the same label.

    Raises:
        ValueError: the message says which path is wrong, and why.
    """
    count = math.prod(len(values) for values in matrix.values())
    if count > MAX_CELLS:
        raise ValueError(f"makes {count:,} cells, but the maximum is {MAX_CELLS:,}")
    for path, values in matrix.items():
        if split(path)[0] in ("name", "matrix"):
            raise ValueError(f"'{path}' cannot differ between cells")
        labels = [label(value) for value in values]
        if not labels:
            raise ValueError(f"'{path}' needs at least one value")
        if len(set(labels)) < len(labels):
            raise ValueError(f"'{path}' has a value twice: {', '.join(labels)}")


def combinations(matrix: Matrix) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every combination of values by path, with its label (`rationale=llm,seed=1`)."""
    for values in itertools.product(*matrix.values()):
        chosen = dict(zip(matrix, values, strict=True))
        yield ",".join(f"{path}={label(value)}" for path, value in chosen.items()), chosen


def label(value: Any) -> str:
    """A value in a few characters: `llm`, `ppo reward=linear`, `sft+ppo`."""
    if isinstance(value, dict):
        options = (f"{key}={label(item)}" for key, item in value.items() if key != "use")
        return " ".join([str(value["use"]), *options] if "use" in value else options)
    if isinstance(value, list | tuple):
        return "+".join(label(item) for item in value) or "none"
    return str(value)
