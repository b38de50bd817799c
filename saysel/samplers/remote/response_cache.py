"""Responses that servers gave, kept so that nothing is paid for twice.

Several runs may share a file. A process leases the samples that it is about to request; another
one waits for them instead of requesting them too. A lease ends with its samples, with its process
(on the same machine), or when it is not renewed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import socket
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from saysel.errors import StageError
from saysel.interfaces import Prompt
from saysel.records import Generation, ModelRef
from saysel.storage import sqlite

SCHEMA = (
    """\
CREATE TABLE IF NOT EXISTS responses (
  key TEXT NOT NULL, sample INTEGER NOT NULL, model TEXT NOT NULL,
  text TEXT NOT NULL, tokens INTEGER NOT NULL, logprob REAL, finish_reason TEXT, checksum TEXT,
  PRIMARY KEY (key, sample)
) WITHOUT ROWID""",
    """\
CREATE TABLE IF NOT EXISTS leases (
  key TEXT NOT NULL, sample INTEGER NOT NULL,
  owner TEXT NOT NULL, machine TEXT NOT NULL, process INTEGER NOT NULL, until REAL NOT NULL,
  PRIMARY KEY (key, sample)
) WITHOUT ROWID""",
)
#: Seconds that a lease holds without being renewed, and after which it is renewed.
LEASE, RENEWAL = 60.0, 10.0
#: An answer without text is requested again when it is next needed, so it is never returned.
HAS_TEXT = "TRIM(responses.text, ' ' || char(9, 10, 11, 12, 13)) != ''"


class ResponseStore:
    """A SQLite file of responses by key and sample index; `None` as path: in memory.

    Samples 0 to n - 1 of one key are n different answers to the same request. What is there first
    stays. Answers without text are not stored: they are requested again when next needed.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._owner = uuid.uuid4().hex
        self._connection = sqlite.connect(path, *SCHEMA)
        with sqlite.errors_in(path):  # columns that files of earlier versions lack
            sqlite.add_column(self._connection, "responses", "finish_reason TEXT")
            sqlite.add_column(self._connection, "responses", "checksum TEXT")

    def get(self, key: str) -> dict[int, Generation]:
        """The stored samples of a key, by index.

        Raises:
            StageError: the file cannot be read, or a stored sample is not what was written.
        """
        with sqlite.errors_in(self.path):
            rows = self._connection.execute(
                "SELECT sample, text, tokens, logprob, finish_reason, checksum FROM responses "
                f"WHERE key = ? AND {HAS_TEXT}",
                (key,),
            ).fetchall()
        stored = {}
        for index, *fields, checksum in rows:
            stored[index] = Generation(*fields)
            # Samples of earlier versions have no checksum.
            if checksum is not None and checksum != _checksum(key, index, stored[index]):
                raise StageError(
                    f"{self.path}: sample {index} of request {key} is damaged: restore the file "
                    "from a copy, or have the sample requested again with: DELETE FROM responses "
                    f"WHERE key = '{key}' AND sample = {index}"
                )
        return stored

    def put(self, key: str, model: str, samples: Mapping[int, Generation]) -> None:
        """Write samples down, those without text aside; on disk when this returns."""
        rows = [
            (
                *(key, index, model, sample.text, sample.tokens),
                *(sample.logprob, sample.finish_reason, _checksum(key, index, sample)),
            )
            for index, sample in samples.items()
            if sample.text.strip()
        ]
        with sqlite.errors_in(self.path), sqlite.transaction(self._connection):
            self._connection.executemany(
                "INSERT INTO responses (key, sample, model, text, tokens, logprob, finish_reason, "
                "checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key, sample) DO UPDATE SET "
                "text = excluded.text, tokens = excluded.tokens, logprob = excluded.logprob, "
                "finish_reason = excluded.finish_reason, checksum = excluded.checksum "
                f"WHERE NOT {HAS_TEXT}",
                rows,
            )

    def claim(
        self, key: str, indices: Sequence[int]
    ) -> tuple[dict[int, Generation], tuple[int, ...]]:
        """Lease the samples of a key that nobody has or is requesting.

        Returns:
            those that are there by now, and the indices leased to this store; what is in neither
            is being requested by another process.
        """
        now = time.time()
        machine, process = _machine(), os.getpid()
        with sqlite.errors_in(self.path), sqlite.transaction(self._connection):
            stored = {index: one for index, one in self.get(key).items() if index in indices}
            leases = self._connection.execute(
                "SELECT sample, machine, process FROM leases "
                "WHERE key = ? AND owner != ? AND until > ? AND until <= ?",
                (key, self._owner, now, now + 2 * LEASE),  # not by a clock that is far ahead
            ).fetchall()
            others = {
                sample
                for sample, where, number in leases
                if where != machine or _is_running(number)
            }
            mine = tuple(index for index in indices if index not in stored and index not in others)
            self._connection.executemany(
                "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?)",
                [(key, index, self._owner, machine, process, now + LEASE) for index in mine],
            )
        return stored, mine

    def release(self, key: str, indices: Sequence[int]) -> None:
        """End the leases of samples, whether they have arrived or not."""
        with sqlite.errors_in(self.path), sqlite.transaction(self._connection):
            self._connection.executemany(
                "DELETE FROM leases WHERE key = ? AND sample = ? AND owner = ?",
                [(key, index, self._owner) for index in indices],
            )

    async def keep_leases(self) -> None:
        """Renew this store's leases until cancelled."""
        while True:
            await asyncio.sleep(RENEWAL)
            with sqlite.errors_in(self.path):
                self._connection.execute(
                    "UPDATE leases SET until = ? WHERE owner = ?",
                    (time.time() + LEASE, self._owner),
                )

    def close(self) -> None:
        """End all leases and close the file."""
        with suppress(Exception):  # they expire by themselves
            self._connection.execute("DELETE FROM leases WHERE owner = ?", (self._owner,))
        self._connection.close()


def _checksum(key: str, index: int, sample: Generation) -> str:
    """XXH3 of a stored sample, so that flipped bits in its row are noticed."""
    import xxhash

    fields = [key, index, sample.text, sample.tokens, sample.logprob, sample.finish_reason]
    return xxhash.xxh3_64_hexdigest(json.dumps(fields).encode())


def _machine() -> str:
    """What process numbers are unique on: a host, and on Linux a namespace of processes."""
    with suppress(OSError):
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    return socket.gethostname()


def _is_running(process: int) -> bool:
    if os.name == "nt":  # where signal 0 is an interruption; the lease expires instead
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        return True
    return True


def key(model: ModelRef, prompt: Prompt | str, parameters: Mapping[str, Any], seed: int) -> str:
    """What a response depends on besides its sample index, as 64 hex digits.

    Args:
        model: its path, revision and the content of its adapter count.
        prompt: as it is sent: turns, or the text that they are rendered to.
        parameters: the server and every parameter of sampling.
        seed: of the request.
    """
    parts = [
        *(model.path, model.revision, _content(model.adapter)),
        *(prompt if isinstance(prompt, str) else list(map(dict, prompt)), dict(parameters), seed),
    ]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _content(adapter: str | None) -> str | None:
    """Hash of an adapter's files, so that one trained anew is another; hub ids as they are."""
    if adapter is None or not Path(adapter).is_dir():
        return adapter
    digest = hashlib.sha256()
    for path in sorted(Path(adapter).glob("adapter_*")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
