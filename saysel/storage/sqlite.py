"""SQLite files for several threads, processes and machines, which survive `kill -9`.

A write-ahead log is fast, but needs memory that all its processes share: two machines that have
mounted the same drive would overwrite each other's rows. Therefore only files on a disk of this
machine have one (https://sqlite.org/wal.html); others have a rollback journal.
"""

from __future__ import annotations

import errno
import json
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from saysel.errors import StageError

#: Errors of `lockf` on file systems without locks, such as some network mounts.
NO_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS})
#: Seconds to wait for a lock of another process.
BUSY_SECONDS = 60.0
#: The file systems that this process can see, on Linux.
MOUNTS = Path("/proc/self/mountinfo")
#: Types of file systems that only one machine uses at a time.
OF_ONE_MACHINE = {
    *("bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "ramfs"),
    *("reiserfs", "tmpfs", "vfat", "xfs", "zfs"),
}


def connect(path: Path | None, *schema: str) -> sqlite3.Connection:
    """Open a file, creating it with the schema if necessary; `None`: in memory.

    Each statement is its own transaction, except inside `transaction`. Killing the process loses
    no statement that has returned.

    Raises:
        StageError: it cannot be opened or locked, or is not an SQLite file.
    """
    with errors_in(path):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not can_lock(path.parent):  # SQLite would wait for the lock, then say "busy"
                raise no_locks(path)
        connection = _opened(path)
        connection.execute("PRAGMA synchronous=NORMAL")
        for statement in schema:
            connection.execute(statement)
    return connection


def _opened(path: Path | None) -> sqlite3.Connection:
    """A connection in the journal mode that the file's place needs."""
    shared = path is not None and is_shared(path.resolve().parent)
    until = time.monotonic() + BUSY_SECONDS
    while True:
        connection = sqlite3.connect(
            path or ":memory:", timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute(f"PRAGMA journal_mode={'TRUNCATE' if shared else 'WAL'}")
        except sqlite3.OperationalError as error:
            connection.close()
            # A file of an earlier version has a write-ahead log, which only the one process that
            # has opened it can end. SQLite does not wait for that.
            if not shared or "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(random.uniform(0.01, 0.1))
        else:
            return connection


def add_column(connection: sqlite3.Connection, table: str, column: str) -> None:
    """Add a column, given as name and type, to a table of an older file if it is missing."""
    known = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    if column.split()[0] in known:
        return
    try:
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    except sqlite3.OperationalError as error:
        if "duplicate column" not in str(error):  # another process has added it
            raise


def row_checksum(*fields: object) -> str:
    """XXH3 of a row's values, to detect flipped bits."""
    import xxhash

    # SQLite stores -0.0 as 0.0.
    stored = [field + 0.0 if isinstance(field, float) else field for field in fields]
    return xxhash.xxh3_64_hexdigest(json.dumps(stored).encode())


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Statements that take effect together or not at all, without other writers in between."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def snapshot(path: Path) -> Iterator[Path]:
    """A copy of a file at one moment, while others may write to it; deleted afterwards.

    Raises:
        StageError: it cannot be read, or the disk is full.
    """
    copy = path.with_name(f".{path.name}.snapshot")
    copy.unlink(missing_ok=True)
    try:
        with (
            errors_in(path),
            closing(sqlite3.connect(path, timeout=60)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


@contextmanager
def errors_in(path: Path | None) -> Iterator[None]:
    """Turn errors of a database into one line.

    Raises:
        StageError: the disk is full, or the file is locked or damaged.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StageError(
            f"{path or 'a database in memory'}: cannot be used ({error}); what was written is "
            "kept: repair or move the file and run again"
        ) from error


def is_shared(directory: Path) -> bool:
    """Whether other machines may have mounted the file system of a directory, as Linux tells it.

    On other systems, and of unknown directories, false.
    """
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False
    place, found, depth = directory.resolve(), "", 0
    for mount in mounts:  # a later one hides an earlier one at the same place
        described, _, source = mount.partition(" - ")
        point = Path(
            re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), described.split()[4])
        )
        if len(point.parts) >= depth and place.is_relative_to(point):
            found, depth = source.split()[0], len(point.parts)
    return found not in ("", *OF_ONE_MACHINE)


def no_locks(path: Path) -> StageError:
    """The error for a path on a file system without locks."""
    return StageError(
        f"{path}: its file system has no file locks, so two runs could spoil each other's files: "
        "choose a place on another disk, such as a local one, with --out (store, for responses; "
        "SAYSEL_CACHE, for copies of runs on shared storage)"
    )


def can_lock(directory: Path) -> bool:
    """Whether files in a directory can be locked, as far as a trial shows."""
    try:
        import fcntl
    except ImportError:  # Windows can lock wherever it can write
        return True
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in NO_LOCKS
    return True
