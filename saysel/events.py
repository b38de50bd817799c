"""What happened in a run, one JSON object a line."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from saysel.storage import disk_trouble


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
        line = json.dumps({"time": round(time.time(), 3), "event": event, **values}) + "\n"
        try:
            with self.path.open("ab") as file:
                file.write(line.encode())
        except OSError as error:
            raise disk_trouble(error, self.path) from error

    def _drop_torn_line(self) -> None:
        """A killed process can leave half a line behind."""
        if self.path.is_file():
            content = self.path.read_bytes()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                with self.path.open("r+b") as file:
                    file.truncate(whole)
