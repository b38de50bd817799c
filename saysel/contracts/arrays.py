"""Columns of numbers from lists, numpy, pandas, polars or pyarrow, as float arrays."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from numbers import Real
from reprlib import repr as short
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from saysel.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    #: One value per prediction. `None`, NaN and pandas' `NA` all stand for a missing value.
    Column: TypeAlias = npt.ArrayLike | Sequence[float | None]
    Labels: TypeAlias = npt.ArrayLike | Sequence[object]


def float_column(
    name: str, column: Column, highest: float = 1.0, may_be_missing: bool = True
) -> npt.NDArray[np.float64]:
    """The column as float64, NaN where a value is missing.

    Args:
        name: of the column, for messages.
        highest: largest value allowed; the smallest is 0.

    Raises:
        DataError: the column has several dimensions, or a value is not a number, out of range, or
            missing where it must not be.
    """
    import numpy as np

    values = _one_dimension(name, column)
    wanted = f"a number from 0 to {highest:g}" if highest < np.inf else "a number of at least 0"
    if values.dtype.kind in "biuf":
        floats = np.asarray(values, dtype=np.float64)
    else:
        floats = np.empty(len(values), dtype=np.float64)
        for row, value in enumerate(values):
            if not _is_missing(value) and not isinstance(value, Real | Decimal | np.bool_):
                _refuse(name, row, value, wanted, may_be_missing)
            floats[row] = np.nan if _is_missing(value) else float(value)
    missing = np.isnan(floats)
    wrong = ~missing & ~((floats >= 0) & (floats <= highest) & np.isfinite(floats))
    if not may_be_missing:
        wrong |= missing
    if wrong.any():
        row = int(np.argmax(wrong))
        _refuse(name, row, values[row], wanted, may_be_missing)
    return floats


def flag_column(name: str, column: Column) -> npt.NDArray[np.bool_]:
    """The column as booleans, from booleans or numbers 0 and 1.

    Raises:
        DataError: the column has several dimensions, or a value is missing or something else.
    """
    import numpy as np

    numbers = float_column(name, column, may_be_missing=False)
    between = np.flatnonzero(numbers % 1)
    if len(between):
        _refuse(name, int(between[0]), numbers[between[0]], "true or false", may_be_missing=False)
    return numbers.astype(bool)


def cluster_column(name: str, column: Labels) -> npt.NDArray[np.intp]:
    """The labels as numbers from 0, in order of first appearance.

    Raises:
        DataError: the column has several dimensions, or a label is missing.
    """
    import numpy as np

    values = _one_dimension(name, column)
    for row, value in enumerate(values if values.dtype.kind in "fO" else ()):
        if _is_missing(value):
            raise DataError(f"{name}[{row}] is missing: give every prediction its cluster")
    if values.dtype.kind not in "biuf":
        values = np.array([str(value) for value in values], dtype=np.str_)
    _, first, code = np.unique(values, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[code]


def same_length(**columns: npt.NDArray[Any] | None) -> None:
    """Refuse columns of different lengths; those that are `None` are left out.

    Raises:
        DataError: two lengths differ.
    """
    (first, length), *others = [
        (name, len(column)) for name, column in columns.items() if column is not None
    ]
    for name, other in others:
        if other != length:
            raise DataError(
                f"{name} has {other} values and {first} has {length}: give one value per prediction"
            )


def _one_dimension(name: str, column: Any) -> npt.NDArray[Any]:
    import numpy as np

    if isinstance(column, np.ma.MaskedArray):
        column = np.ma.filled(column.astype(np.float64), np.nan)
    # A list may mix numbers, None and texts, which numpy would turn into texts.
    values = np.array(column, dtype=object) if isinstance(column, list | tuple) else column
    values = np.asarray(values)
    if values.ndim != 1:
        shape = f"an array of shape {values.shape}" if values.ndim else short(column)
        raise DataError(f"{name}: expected a list or column of values, got {shape}")
    return values


def _is_missing(value: object) -> bool:
    """Whether it is None, NaN or pandas' NA, which is not equal to itself either."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, float | Decimal) and value != value


def _refuse(name: str, row: int, value: object, wanted: str, may_be_missing: bool) -> NoReturn:
    if _is_missing(value):
        raise DataError(
            f"{name}[{row}] is missing: expected {wanted}; leave out predictions without one"
        )
    if hasattr(value, "item"):
        value = value.item()
    hint = ", or None where it is missing" if may_be_missing else ""
    if isinstance(value, int | float) and 1 < value <= 100 and "to 1" in wanted:
        hint = "; divide percentages by 100"
    raise DataError(f"{name}[{row}]: expected {wanted} (got {short(value)}){hint}")
