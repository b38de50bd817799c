"""Names of rows in figures, names of files, and the colours of models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

from saysel.report.content import IDEAL, Row

#: Longest name of a row in a figure, in characters.
MAX_NAME = 28


def colours(rows: Sequence[Row]) -> dict[str, str]:
    """A style class for each model: the same colour wherever the model appears."""
    models = dict.fromkeys(row.model for row in rows if row.model != IDEAL)
    return {model: f"m{i % 6}" for i, model in enumerate(models)} | {IDEAL: "limit"}


def short_name(row: Row) -> str:
    """The row's name within its cell, shortened to fit into a figure."""
    name = "ideal observer" if row.model == IDEAL else f"{row.model} · {row.estimator}"
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"


def groups(rows: Sequence[Row]) -> dict[tuple[str, str], list[int]]:
    """Indices of the rows that are compared with each other: those of one cell and split."""
    indices: dict[tuple[str, str], list[int]] = {}
    for i, row in enumerate(rows):
        indices.setdefault((row.cell, row.split), []).append(i)
    return indices


def slugs(rows: Sequence[Row]) -> list[str]:
    """A unique file name for each row."""
    names: list[str] = []
    for row in rows:
        name = _slug(row.cell, row.split, row.model, row.estimator)
        names.append(name if name not in names else f"{name}-{len(names)}")
    return names


def group_slug(cell: str, split: str) -> str:
    """A file name for the rows of one cell and split."""
    return _slug(cell, split)


def metric_slug(metric: str) -> str:
    """A file name for a score."""
    return _slug(metric)


def value_slug(panel: str) -> str:
    """The end of a file name for a panel; empty for the only one."""
    return f"-{_slug(panel)}" if panel else ""


def _slug(*words: str) -> str:
    """A file name; if characters had to be replaced, a digest at its end keeps it unique."""
    name = "-".join(word for word in words if word)
    safe = re.sub(r"[^A-Za-z0-9_.=]+", "-", name)[:80].strip("-")
    digest = sha256(name.encode(errors="replace")).hexdigest()
    return safe if safe == name else f"{safe}-{digest[:8]}"
