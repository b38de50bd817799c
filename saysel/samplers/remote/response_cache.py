"""Responses of servers, stored so that nothing is paid for twice. Runs may share the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from saysel.errors import StageError
from saysel.interfaces import Prompt
from saysel.records import Generation, ModelRef, TokenChoice
from saysel.samplers.remote import leases
from saysel.samplers.remote.leases import Leases
from saysel.storage import sqlite

SCHEMA = """\
CREATE TABLE IF NOT EXISTS responses (
  key TEXT NOT NULL, sample INTEGER NOT NULL, model TEXT NOT NULL,
  text TEXT NOT NULL, tokens INTEGER NOT NULL, logprob REAL, finish_reason TEXT, checksum TEXT,
  choices TEXT,
  PRIMARY KEY (key, sample)
) WITHOUT ROWID"""
#: Files of earlier versions may hold empty responses, which are never returned.
HAS_TEXT = "TRIM(responses.text, ' ' || char(9, 10, 11, 12, 13)) != ''"


class ResponseCache:
    """A SQLite file of responses by request key and sample index; `None` as path: in memory.

    Samples 0 to n - 1 of one key are n different answers to the same request. The first response
    stored for an index is kept. Empty responses are not stored, so that the next run requests them
    again.

    Attributes:
        leases: which samples are being requested at the moment, and by whom.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._connection = sqlite.connect(path, SCHEMA, leases.SCHEMA)
        self.leases = Leases(self._connection, path)
        with sqlite.errors_in(path):  # columns that are absent in files of earlier versions
            sqlite.add_column(self._connection, "responses", "finish_reason TEXT")
            sqlite.add_column(self._connection, "responses", "checksum TEXT")
            sqlite.add_column(self._connection, "responses", "choices TEXT")

    def get(self, key: str) -> dict[int, Generation]:
        """The stored samples of a key, by index.

        Raises:
            StageError: the file cannot be read, or a stored sample is damaged.
        """
        with sqlite.errors_in(self.path):
            rows = self._connection.execute(
                "SELECT sample, text, tokens, logprob, finish_reason, choices, checksum "
                f"FROM responses WHERE key = ? AND {HAS_TEXT}",
                (key,),
            ).fetchall()
        stored = {}
        for index, text, tokens, logprob, finish_reason, choices, checksum in rows:
            stored[index] = Generation(text, tokens, logprob, finish_reason, _read_choices(choices))
            # Samples of earlier versions have no checksum.
            if checksum is not None and checksum != _checksum(key, index, stored[index]):
                raise StageError(
                    f"{self.path}: sample {index} of request {key} is damaged: restore the file "
                    "from a copy, or have the sample requested again with: DELETE FROM responses "
                    f"WHERE key = '{key}' AND sample = {index}"
                )
        return stored

    def put(self, key: str, model: str, samples: Mapping[int, Generation]) -> None:
        """Store samples that have text; they are on disk when this returns."""
        rows = [
            (
                *(key, index, model, sample.text, sample.tokens),
                *(sample.logprob, sample.finish_reason, _written_choices(sample)),
                _checksum(key, index, sample),
            )
            for index, sample in samples.items()
            if sample.text.strip()
        ]
        with sqlite.errors_in(self.path), sqlite.transaction(self._connection):
            self._connection.executemany(
                "INSERT INTO responses (key, sample, model, text, tokens, logprob, finish_reason, "
                "choices, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (key, sample) DO UPDATE SET "
                "text = excluded.text, tokens = excluded.tokens, logprob = excluded.logprob, "
                "finish_reason = excluded.finish_reason, choices = excluded.choices, "
                "checksum = excluded.checksum "
                f"WHERE NOT {HAS_TEXT}",
                rows,
            )

    def claim(
        self, key: str, indices: Sequence[int]
    ) -> tuple[dict[int, Generation], tuple[int, ...]]:
        """Lease the samples that are neither stored nor being requested by another process.

        Returns:
            the stored samples, and the indices that are now leased to this cache. Another process
            is requesting those that are in neither.
        """
        with sqlite.errors_in(self.path), sqlite.transaction(self._connection):
            stored = {index: sample for index, sample in self.get(key).items() if index in indices}
            unavailable = stored.keys() | self.leases.held_by_others(key)
            leased = tuple(index for index in indices if index not in unavailable)
            self.leases.take(key, leased)
        return stored, leased

    def close(self) -> None:
        """End all leases and close the file."""
        self.leases.release_all()
        self._connection.close()


def request_key(
    model: ModelRef, prompt: Prompt | str, parameters: Mapping[str, Any], seed: int
) -> str:
    """Everything that decides a response except its sample index, as 64 hex digits.

    Args:
        model: its path, its revision and the content of its adapter are used.
        prompt: chat turns, or the text that they are rendered to, whichever is sent.
        parameters: the server and every sampling parameter.
        seed: of the request.
    """
    parts = [
        *(model.path, model.revision, _adapter_content(model.adapter)),
        *(prompt if isinstance(prompt, str) else list(map(dict, prompt)), dict(parameters), seed),
    ]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _adapter_content(adapter: str | None) -> str | None:
    """Hash of an adapter's files, which changes when it is retrained; a hub id is kept as it is."""
    if adapter is None or not Path(adapter).is_dir():
        return adapter
    digest = hashlib.sha256()
    for path in sorted(Path(adapter).glob("adapter_*")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _checksum(key: str, index: int, sample: Generation) -> str:
    choices = _written_choices(sample)
    return sqlite.row_checksum(
        *(key, index, sample.text, sample.tokens, sample.logprob, sample.finish_reason),
        # Absent, so that the checksums of earlier versions stay valid.
        *(() if choices is None else (choices,)),
    )


def _written_choices(sample: Generation) -> str | None:
    """The token choices of a sample as JSON."""
    return None if sample.choices is None else json.dumps(sample.choices)


def _read_choices(written: str | None) -> tuple[tuple[TokenChoice, ...], ...] | None:
    """The token choices that JSON holds; `None` if it is damaged, which the checksum detects."""
    with suppress(ValueError, TypeError):
        return tuple(
            tuple(TokenChoice(text, logprob) for text, logprob in place)
            for place in json.loads(written or "null")
        )
    return None
