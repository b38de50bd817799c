"""Tables of text: for terminals and pipes, and as HTML for notebooks."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from html import escape
from typing import TYPE_CHECKING, Literal

from saysel.display.terminal import echo, printable, wrapped

if TYPE_CHECKING:
    from rich.table import Table

#: Columns that a note needs to the right of its row; with fewer it goes below the row.
NOTE_COLUMNS = 30

Rows = Sequence[Sequence[str]]


def padded(rows: Rows, left: Collection[int] = (0,)) -> list[str]:
    """Rows as lines of equal length, columns two spaces apart.

    Args:
        rows: of equal length; the header is a row like the others.
        left: indices of the columns that are aligned to the left; the others to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.ljust(width) if column in left else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def aligned(rows: Rows, left: Collection[int] = (0,)) -> list[str]:
    """Rows as lines, see `padded`, without spaces at their ends."""
    return [line.rstrip() for line in padded(rows, left)]


def annotated(
    rows: Rows, notes: Sequence[str], columns: int, left: Collection[int] = (0,)
) -> list[str]:
    """Rows as lines, each with a note to its right, within the columns of a terminal.

    A note that does not fit to the right of its row goes below it. If the row itself does not fit,
    its values go below its first column.
    """
    lines: list[str] = []
    for row, line, note in zip(rows, padded(rows, left), notes, strict=True):
        room = columns - len(line) - 2
        if len(line.rstrip()) > columns:
            name, *values = row
            lines += [name, *below(" ".join(filter(None, values)), columns), *below(note, columns)]
        elif room < NOTE_COLUMNS:
            lines += [line.rstrip(), *below(note, columns)]
        else:
            first, *more = wrapped(note, columns=room).split("\n")
            lines.append(f"{line}  {first}".rstrip())
            lines += [" " * (len(line) + 2) + text for text in more]
    return lines


def below(text: str, columns: int) -> list[str]:
    """Lines for the text below a row, indented by two spaces."""
    return [f"  {line}" for line in wrapped(text, columns=columns - 2).splitlines()]


def print_table(
    header: Sequence[str],
    rows: Rows,
    left: Collection[int] | None = None,
    dim: Collection[int] = (),
) -> None:
    """Print a table; on a terminal wide columns are folded, elsewhere no line is.

    Args:
        left: indices of the columns that are aligned to the left; `None`: all.
        dim: indices of the rows that are printed dimly.
    """
    left = range(len(header)) if left is None else left
    if not sys.stdout.isatty():
        for line in aligned([header, *rows], left):
            echo(line)
        return
    from rich.console import Console

    Console().print(folding_table(header, rows, left, dim))


def folding_table(
    header: Sequence[str], rows: Rows, left: Collection[int], dim: Collection[int] = ()
) -> Table:
    """A table that rich fits into a terminal; see `print_table`.

    Long titles of numbers break at underscores.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column, title in enumerate(header):
        left_aligned = column in left
        words = printable(title) if left_aligned else printable(title).replace("_", "\n")
        justify: Literal["left", "right"] = "left" if left_aligned else "right"
        table.add_column(Text(words), justify=justify, overflow="fold")
    for number, row in enumerate(rows):
        style = "dim" if number in dim else None
        table.add_row(*(Text(printable(text)) for text in row), style=style)
    return table


def html_table(
    header: Sequence[str],
    rows: Rows,
    left: Collection[int] = (0,),
    titles: Sequence[str] = (),
    caption: str = "",
) -> str:
    """A table as HTML that a notebook shows; everything is escaped.

    Args:
        left: indices of the columns that are aligned to the left; the others to the right.
        titles: what shows when the pointer rests on a row's first column.
    """

    def cell(tag: str, column: int, text: str, title: str = "") -> str:
        side = "left" if column in left else "right"
        about = f' title="{escape(title)}"' if title else ""
        return f'<{tag} style="text-align: {side}"{about}>{escape(text)}</{tag}>'

    head = "".join(cell("th", column, title) for column, title in enumerate(header))
    body = "".join(
        "<tr>"
        + "".join(
            cell("td" if column else "th", column, text, title if not column else "")
            for column, text in enumerate(row)
        )
        + "</tr>\n"
        for row, title in zip(rows, titles or [""] * len(rows), strict=True)
    )
    about = f"<caption>{escape(caption)}</caption>\n" if caption else ""
    return f"<table>\n{about}<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"
