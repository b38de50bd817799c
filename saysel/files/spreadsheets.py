"""Rows of a spreadsheet: .xlsx, .xlsm, .xlsb, .xls and .ods."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from saysel.errors import DataError, MissingExtra

#: First bytes of an .xls workbook.
OLE = b"\xd0\xcf\x11\xe0"
#: Members that only spreadsheets have, in their zip archives.
MEMBERS = frozenset({"xl/workbook.xml", "xl/workbook.bin", "content.xml"})


def spreadsheet_rows(
    packed: bytes, path: Path
) -> tuple[tuple[str, ...], list[tuple[int, dict[str, str]]]]:
    """The columns of the only sheet with cells, and its rows, each with its number.

    Cells become the text that a CSV file would have, with a decimal point: `0.9`, `7`, `True`.

    Raises:
        MissingExtra: python-calamine is not installed.
        DataError: it cannot be read, several sheets have cells, the header names a column twice, or
            a cell has no header.
    """
    first, cells = _only_sheet(packed, path)
    header = [_text(cell).strip() for cell in cells[0]] if cells else []
    names = [name for name in header if name]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{path}, row {first}: the header names '{twice}' twice")
    rows: list[tuple[int, dict[str, str]]] = []
    for number, values in enumerate(cells[1:], first + 1):
        texts = [_text(value) for value in values]
        for name, text in zip(header, texts, strict=True):
            if text and not name:
                raise DataError(f"{path}, row {number}: {text!r:.40} is in a column without a name")
        if any(texts):
            rows.append(
                (number, {name: text for name, text in zip(header, texts, strict=True) if name})
            )
    return tuple(names), rows


def _only_sheet(packed: bytes, path: Path) -> tuple[int, list[list[Any]]]:
    """The number of the first row with a cell, from 1, and the cells from there on."""
    try:
        import python_calamine as calamine
    except ImportError:
        raise MissingExtra(f"{path}: a spreadsheet", "python-calamine", "excel") from None
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(packed))
        sheets = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
        filled = {name: sheet for name, sheet in sheets.items() if sheet.start}
        if len(filled) > 1:
            raise DataError(
                f"{path}: {len(filled)} sheets have cells ({', '.join(filled)}): keep one, or save "
                "one as CSV"
            )
        for sheet in filled.values():
            row, _ = sheet.start or (0, 0)
            return row + 1, sheet.to_python(skip_empty_area=True)
    except (calamine.CalamineError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: not a spreadsheet, or damaged ({reason})") from None
    return 1, []


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell)
