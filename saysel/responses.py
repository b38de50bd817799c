"""Responses that servers gave, kept so that nothing is paid for twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saysel import sqlite
from saysel.interfaces import Prompt
from saysel.records import Generation, ModelRef

SCHEMA = """\
CREATE TABLE IF NOT EXISTS responses (
  key TEXT NOT NULL, sample INTEGER NOT NULL, model TEXT NOT NULL,
  text TEXT NOT NULL, tokens INTEGER NOT NULL, logprob REAL,
  PRIMARY KEY (key, sample)
) WITHOUT ROWID"""


class ResponseStore:
    """A SQLite file of responses by key and sample index; `None` as path: in memory.

    Samples 0 to n - 1 of one key are n different answers to the same request. Several processes
    may share a file; what is there first stays.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._connection = sqlite.connect(path, SCHEMA)

    def get(self, key: str) -> dict[int, Generation]:
        """What is there for a key, by sample index."""
        with sqlite.told(self.path):
            rows = self._connection.execute(
                "SELECT sample, text, tokens, logprob FROM responses WHERE key = ?", (key,)
            ).fetchall()
        return {sample: Generation(*rest) for sample, *rest in rows}

    def put(self, key: str, model: str, samples: Mapping[int, Generation]) -> None:
        """Write samples down, if there are any; on disk when this returns."""
        if not samples:
            return
        rows = [
            (key, index, model, one.text, one.tokens, one.logprob) for index, one in samples.items()
        ]
        marks = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(rows))
        with sqlite.told(self.path):
            self._connection.execute(
                f"INSERT OR IGNORE INTO responses VALUES {marks}",
                [value for row in rows for value in row],
            )

    def close(self) -> None:
        self._connection.close()


def key(model: ModelRef, prompt: Prompt | str, parameters: Mapping[str, Any], seed: int) -> str:
    """What a response hangs on besides its sample index, as 64 hex digits.

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
