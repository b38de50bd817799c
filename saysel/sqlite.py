"""SQLite files that several threads and processes write, and that survive `kill -9`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from saysel.errors import StageError


def connect(path: Path | None, schema: str) -> sqlite3.Connection:
    """A connection to a file, made with the schema if it is not there; `None`: in memory.

    Each statement is a transaction of its own. A killed process loses none that has returned.

    Raises:
        StageError: it cannot be opened, or is no SQLite file.
    """
    with told(path):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path or ":memory:", timeout=60, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(schema)
    return connection


@contextmanager
def told(path: Path | None) -> Iterator[None]:
    """Trouble with a database in one line.

    Raises:
        StageError: the disk is full, the file is locked or broken.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StageError(
            f"{path or 'a database in memory'}: cannot be used ({error}); what was written is "
            "kept: mend it and run again"
        ) from error
