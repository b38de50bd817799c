"""The log of a run, one JSON object per line."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from saysel.storage import disk_error


class Events:
    """`events.jsonl` of a run directory; each event is written before the run continues.

    Each line has `time` (seconds since 1970) and `event`, then the values of the event.
    """

    def __init__(
        self, path: Path, announce: Callable[[dict[str, Any]], object] | None = None
    ) -> None:
        """Continue a log, or begin one.

        Args:
            announce: called with each event once it is written.
        """
        self.path = path
        self.announce = announce
        self._drop_partial_line()

    def write(self, event: str, **values: Any) -> None:
        """Append one event.

        Raises:
            StageError: it cannot be written.
        """
        record = {"time": round(time.time(), 3), "event": event, **finite(values)}
        line = json.dumps(record, allow_nan=False) + "\n"
        try:
            with self.path.open("ab") as file:
                file.write(line.encode())
        except OSError as error:
            with suppress(OSError):  # a full disk may have taken part of the line
                self._drop_partial_line()
            raise disk_error(error, self.path) from error
        if self.announce is not None:
            self.announce(record)

    def _drop_partial_line(self) -> None:
        """Remove the part of a line that a killed process or a full disk may have left."""
        if self.path.is_file():
            content = self.path.read_bytes()
            complete = content.rfind(b"\n") + 1
            if complete < len(content):
                with self.path.open("r+b") as file:
                    file.truncate(complete)


def finite(values: dict[str, Any]) -> dict[str, Any]:
    """The values with `None` for NaN and infinities, such as a diverged loss: JSON has neither."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }
