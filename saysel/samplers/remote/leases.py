"""Leases on samples, so that processes that share a file do not request the same sample.

A process leases the samples that it is about to request; others wait for them. A lease ends when
its samples have arrived, when its process ends (on the same machine), or when it expires.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from sqlite3 import Connection

from saysel.storage import sqlite

SCHEMA = """\
CREATE TABLE IF NOT EXISTS leases (
  key TEXT NOT NULL, sample INTEGER NOT NULL,
  owner TEXT NOT NULL, machine TEXT NOT NULL, process INTEGER NOT NULL, until REAL NOT NULL,
  PRIMARY KEY (key, sample)
) WITHOUT ROWID"""
#: How long a lease holds without being renewed.
LEASE_SECONDS = 60.0
#: How often leases are renewed.
RENEWAL_SECONDS = 10.0


class Leases:
    """The leases in one file, taken and seen by one owner."""

    def __init__(self, connection: Connection, path: Path | None) -> None:
        self._connection = connection
        self._path = path
        self._owner = uuid.uuid4().hex

    def held_by_others(self, key: str) -> set[int]:
        """The samples of a key that another process is requesting."""
        now, machine = time.time(), _machine()
        rows = self._connection.execute(
            "SELECT sample, machine, process FROM leases "
            "WHERE key = ? AND owner != ? AND until > ? AND until <= ?",
            (key, self._owner, now, now + 2 * LEASE_SECONDS),  # ignores clocks that are far ahead
        ).fetchall()
        return {
            sample
            for sample, owner_machine, process in rows
            if owner_machine != machine or _is_running(process)
        }

    def take(self, key: str, indices: Sequence[int]) -> None:
        """Lease samples of a key."""
        until = time.time() + LEASE_SECONDS
        self._connection.executemany(
            "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?)",
            [(key, index, self._owner, _machine(), os.getpid(), until) for index in indices],
        )

    def release(self, key: str, indices: Sequence[int]) -> None:
        """End leases, whether their samples have arrived or not."""
        with sqlite.errors_in(self._path), sqlite.transaction(self._connection):
            self._connection.executemany(
                "DELETE FROM leases WHERE key = ? AND sample = ? AND owner = ?",
                [(key, index, self._owner) for index in indices],
            )

    async def keep_renewing(self) -> None:
        """Renew all leases of this owner until cancelled."""
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            with sqlite.errors_in(self._path):
                self._connection.execute(
                    "UPDATE leases SET until = ? WHERE owner = ?",
                    (time.time() + LEASE_SECONDS, self._owner),
                )

    def release_all(self) -> None:
        """End all leases of this owner."""
        with suppress(Exception):  # they expire anyway
            self._connection.execute("DELETE FROM leases WHERE owner = ?", (self._owner,))


def _machine() -> str:
    """Where process ids are unique: the host, and on Linux the process namespace."""
    with suppress(OSError):
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    return socket.gethostname()


def _is_running(process: int) -> bool:
    if os.name == "nt":  # where signal 0 would interrupt the process; the lease expires instead
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        return True
    return True
