"""Rows of a Parquet file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saysel.errors import DataError

#: The first bytes of a Parquet file.
MAGIC = b"PAR1"

if TYPE_CHECKING:
    import pyarrow as pa


def parquet_rows(content: bytes, path: Path) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """The columns of a file, and its rows as Python values.

    Raises:
        DataError: it is not Parquet, or contains a value that Python cannot represent, such as
            text that is not UTF-8; the message names the row and the column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(io.BytesIO(content)).read()
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: not a Parquet file, or damaged ({reason})") from None
    names = tuple(table.column_names)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path}: two columns are called '{twice}': rename one")
    columns = [
        _values(column, name, path) for name, column in zip(names, table.columns, strict=True)
    ]
    return names, [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: pa.ChunkedArray, name: str, path: Path) -> list[Any]:
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):  # UnicodeDecodeError is a ValueError
        pass
    for number, value in enumerate(column, 1):
        try:
            value.as_py()
        except (ValueError, OverflowError) as error:
            reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            raise DataError(
                f"{path}, row {number}: '{name}' cannot be read ({reason}): fix or remove the row"
            ) from None
    raise AssertionError("a column fails only if one of its values does")
