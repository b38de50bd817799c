"""Which version of each file was last exchanged with the store."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple


class State(NamedTuple):
    """Size and time of change of a local file; of a SQLite file, with its write-ahead log."""

    size: int
    time: int


class Index:
    """A hidden file of the working copy: for each name the stamp that the file has in the store,
    and its local state when it was fetched or uploaded.

    It is only a memory: what it does not know is fetched or uploaded again. Each change is a line,
    so that the time it takes does not grow with the number of files.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: dict[str, tuple[str, State]] | None = None

    def stamp(self, name: str) -> str | None:
        """The stamp in the store of what is here; `None` if it was never exchanged."""
        entry = self._known().get(name)
        return entry and entry[0]

    def is_current(self, name: str, local: Path) -> bool:
        """Whether a local file is the one that was fetched or uploaded last."""
        entry = self._known().get(name)
        return entry is not None and entry[1] == state(local)

    def set(self, name: str, stamp: str, local: State) -> None:
        """Remember what was exchanged.

        Args:
            local: the state of the local file before it was uploaded, or after it was fetched.
        """
        self._known()[name] = (stamp, local)
        self._append([name, stamp, *local])

    def drop(self, name: str) -> None:
        """Forget a file that was deleted."""
        if self._known().pop(name, None) is not None:
            self._append([name])

    def _known(self) -> dict[str, tuple[str, State]]:
        if self._entries is None:
            self._entries = {}
            with suppress(FileNotFoundError):
                for line in self.path.read_text(encoding="utf-8").splitlines():
                    with suppress(ValueError):  # half-written by a process that was killed
                        name, *known = json.loads(line)
                        self._entries.pop(name, None)
                        if known:
                            self._entries[name] = (known[0], State(*known[1:]))
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lines = [[name, stamp, *local] for name, (stamp, local) in self._entries.items()]
            self.path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return self._entries

    def _append(self, line: list[Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def state(path: Path) -> State:
    """The present state of a local file."""
    parts = [path.stat()]
    with suppress(FileNotFoundError):
        parts.append(path.with_name(f"{path.name}-wal").stat())
    return State(sum(part.st_size for part in parts), max(part.st_mtime_ns for part in parts))
