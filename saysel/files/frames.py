"""Tables from memory: pandas and polars frames, and mappings of arrays or lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from saysel.errors import DataError, UsageError
from saysel.files.table import Table

#: pandas' markers of missing values; they equal nothing, not even themselves.
MISSING_TYPES = ("NAType", "NaTType")


class Frame(Protocol):
    """What pandas and polars frames have in common."""

    @property
    def columns(self) -> Iterable[Any]:
        """The names of the columns."""

    def __getitem__(self, name: Any, /) -> Any:
        """The values of a column."""


def table_of(data: Frame | Mapping[str, Iterable[Any]], name: str) -> Table:
    """The rows of a frame, lazy or not, or of a mapping from column names to their values.

    Args:
        name: what messages call it: `{name}, row 3: …`.

    Raises:
        UsageError: it is neither.
        DataError: a column has no sequence of values, columns differ in length, two share a name,
            or there are no rows.
    """
    if type(data).__name__ == "LazyFrame":
        data = data.collect()  # type: ignore[union-attr]
    if not isinstance(data, Mapping) and not hasattr(data, "columns"):
        raise UsageError(
            f"{name} must be files, a pandas or polars frame, or a mapping from column names to "
            f"arrays (got {type(data).__name__})"
        )
    names = list(data if isinstance(data, Mapping) else data.columns)
    columns: dict[str, list[Any]] = {}
    for key in names:
        if str(key) in columns:
            raise DataError(f"{name}: two columns are called '{key}': rename one")
        columns[str(key)] = _values(data[key], f"{name}: column '{key}'")
    lengths = {column: len(values) for column, values in columns.items()}
    if len(set(lengths.values())) > 1:
        first, *others = lengths
        other = next(column for column in others if lengths[column] != lengths[first])
        raise DataError(
            f"{name}: column '{first}' has {lengths[first]} values and '{other}' has "
            f"{lengths[other]}: give all columns one length"
        )
    rows = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    if not rows:
        raise DataError(f"{name}: there are no rows")
    numbers = list(range(1, len(rows) + 1))
    return Table(name, tuple(columns), list(rows), [f"row {n}" for n in numbers], numbers)


def _values(column: Any, where: str) -> list[Any]:
    if isinstance(column, str | bytes | Mapping) or not isinstance(column, Iterable):
        raise DataError(f"{where} must be an array or a list of values (got {column!r:.40})")
    return [_plain(value) for value in column]


def _plain(value: Any) -> Any:
    """A value as Python has it: numbers and arrays of numpy converted, missing ones as `None`."""
    if type(value).__name__ in MISSING_TYPES:
        return None
    return value.tolist() if hasattr(value, "tolist") else value
