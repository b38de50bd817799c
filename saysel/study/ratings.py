"""Reads what raters have rated: files of the rater's page, or exports of Label Studio.

Files may be incomplete, overlap and have their rows in any order. A rating that is there twice
counts once, also if one file was saved before the item was rated on both scales; two different
ratings of the same item by the same rater are an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from saysel.errors import DataError
from saysel.files.formulas import unescaped
from saysel.files.table import Table
from saysel.files.tables import read_table
from saysel.files.values import absent
from saysel.study.items import LEVELS, SCALES, Study

#: The columns that are read, with the names that Label Studio gives them.
COLUMNS = {
    "study": ("study",),
    "item": ("item",),
    "rater": ("rater", "annotator"),
    "seconds": ("seconds", "lead_time"),
    "note": ("note",),
    **{scale: (scale,) for scale in SCALES},
}
REQUIRED = ("study", "item", "rater", *SCALES)


@dataclass(frozen=True)
class Rating:
    """One rater's rating of one item.

    Attributes:
        rater: the number of the page, or the annotator of Label Studio.
        levels: from 1 to 5 by scale; scales that were not rated are missing.
        seconds: how long the item was shown; `None` if unknown.
        note: what the rater wrote about it.
    """

    rater: str
    item: str
    levels: Mapping[str, int]
    seconds: float | None = None
    note: str = ""


def read_ratings(paths: Sequence[Path], study: Study) -> list[Rating]:
    """The ratings of some files, by rater and item.

    Raises:
        DataError: a file cannot be read, lacks a column, belongs to another study, has an unknown
            item or a rating that is not 1 to 5, or contradicts another row.
    """
    known = {item.id for item in study.items}
    found: dict[tuple[str, str], tuple[Rating, str]] = {}
    for path in paths:
        for rating, where in _of_file(path, study.id, known):
            key = (rating.rater, rating.item)
            other, there = found.setdefault(key, (rating, where))
            both = other.levels.keys() & rating.levels.keys()
            if any(other.levels[scale] != rating.levels[scale] for scale in both):
                raise DataError(
                    f"{where}: rater {rating.rater} has rated item {rating.item} differently in "
                    f"{there}: remove one of the rows, or, if two people used the same page, "
                    "change the column 'rater' of one file"
                )
            fuller = max(other, rating, key=lambda one: len(one.levels))
            levels = {**other.levels, **rating.levels}
            found[key] = (replace(fuller, levels=levels), there)
    return [found[key][0] for key in sorted(found)]


def raters(ratings: Sequence[Rating]) -> list[str]:
    """The raters, those with numbers in numerical order."""
    return sorted({one.rater for one in ratings}, key=lambda name: (len(name), name))


def _of_file(path: Path, study: str, known: set[str]) -> Iterator[tuple[Rating, str]]:
    """The ratings of one file, each with its place; rows without any are left out."""
    table = read_table(path)
    columns = _columns(table)
    for index, row in enumerate(table.rows):
        where = table.where(index)
        value = {role: row.get(name) for role, name in columns.items()}
        if value["study"] != study:
            raise DataError(
                f"{where}: rates the study '{value['study']}', and this is '{study}': name the "
                "directory of that study"
            )
        if value["item"] not in known:
            raise DataError(f"{where}: the study has no item '{value['item']}'")
        if absent(value["rater"]):
            raise DataError(f"{where}: no rater: fill the column '{columns['rater']}'")
        levels = {
            scale: _level(value[scale], f"{where}: {scale}")
            for scale in SCALES
            if not absent(value[scale])
        }
        if levels:
            note = unescaped(str(value.get("note") or ""))
            seconds = _seconds(value.get("seconds"))
            yield Rating(str(value["rater"]), value["item"], levels, seconds, note), where


def _columns(table: Table) -> dict[str, str]:
    """The name of each column that a table has."""
    columns = {
        role: name for role, names in COLUMNS.items() for name in names if name in table.columns
    }
    missing = [role for role in REQUIRED if role not in columns]
    # Label Studio leaves out the column of a scale that no one rated.
    if [role for role in missing if role not in SCALES] or set(SCALES) <= set(missing):
        raise DataError(
            f"{table.name}: no column {', '.join(missing)}: give a file that a rater's page or "
            "Label Studio (as JSON-MIN or CSV) has written"
        )
    return columns | {role: role for role in missing}


def _level(value: Any, where: str) -> int:
    """A rating as a whole number; spreadsheets write 4 as 4.0."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if number not in LEVELS:
        raise DataError(f"{where}: must be a whole number from 1 to 5 (got {value!r})")
    return int(number)


def _seconds(value: Any) -> float | None:
    """How long a rater took; `None` where this is not a number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if isfinite(number) and number > 0 else None
