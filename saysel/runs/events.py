"""What happened in a run, one JSON object a line."""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from saysel.storage import disk_error


class Events:
    """`events.jsonl` of a run directory; every event is on disk before the next thing happens.

    Each line has `time` (seconds since 1970) and `event`, then what the event tells.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._drop_torn_line()

    def write(self, event: str, **values: Any) -> None:
        """Append one event.

        Raises:
            StageError: the disk cannot take it.
        """
        told = {"time": round(time.time(), 3), "event": event, **finite(values)}
        line = json.dumps(told, allow_nan=False) + "\n"
        try:
            with self.path.open("ab") as file:
                file.write(line.encode())
        except OSError as error:
            with suppress(OSError):  # a full disk takes a part of the line
                self._drop_torn_line()
            raise disk_error(error, self.path) from error

    def _drop_torn_line(self) -> None:
        """A killed process or a full disk can leave half a line behind."""
        if self.path.is_file():
            content = self.path.read_bytes()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                with self.path.open("r+b") as file:
                    file.truncate(whole)


def finite(values: dict[str, Any]) -> dict[str, Any]:
    """The values with `None` for numbers that JSON has no way to write, like the loss of a
    training that went astray."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
