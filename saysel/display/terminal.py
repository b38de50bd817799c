"""Output to the terminal: without control characters, and within its width.

Replies of models, messages of servers and names of files are not trusted. Printed unchanged, an
escape sequence in them could clear the screen, set the window's title, or make one line look like
another. Every command prints through `echo`.
"""

from __future__ import annotations

import shutil
import textwrap

import click

#: Columns of files and pipes, wider than any table: no line is wrapped.
UNLIMITED = 10_000
#: Control characters except tab and newline, marks that reorder text, and lone surrogates.
HIDDEN = (
    *(*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0)),
    *(0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),
    *range(0xD800, 0xE000),
)
SHOWN = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in HIDDEN}


#: Set in the processes of a run that leave the output to the first one.
_SILENT: list[bool] = []


def silence() -> None:
    """Print nothing from now on: another process prints for this one."""
    _SILENT.append(True)


def printable(text: str) -> str:
    r"""The text with control characters spelled out: `\x1b[2J` for the sequence that clears."""
    return text.translate(SHOWN)


def echo(text: object = "", err: bool = False, nl: bool = True) -> None:
    """Print text of any origin.

    Args:
        err: to standard error.
        nl: end the line.
    """
    if not _SILENT:
        click.echo(printable(str(text)), err=err, nl=nl)


def width() -> int:
    """The columns of the terminal, or of `COLUMNS`; unlimited in files and pipes."""
    return shutil.get_terminal_size((UNLIMITED, 24)).columns


def wrapped(text: str, indent: int = 0, columns: int | None = None) -> str:
    """The text, wrapped between words to the width of the terminal.

    Args:
        indent: spaces before every line except the first.
        columns: used instead of the terminal's width.
    """
    lines = textwrap.wrap(
        text,
        max(columns or width(), indent + 1),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines)
