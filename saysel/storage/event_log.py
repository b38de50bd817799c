"""Reads `events.jsonl` of a run, once or while it is being written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def events(path: Path, wait: Callable[[], bool] = lambda: False) -> Iterator[dict[str, Any]]:
    """The events of a log, and those that are appended to it.

    A line that is no event, such as one that a killed process left half written, is skipped.

    Args:
        path: `events.jsonl` of a run; it need not exist yet.
        wait: called when there is nothing new; false ends the iteration.
    """
    position, rest = 0, b""
    while True:
        content = b""
        if path.is_file():
            size = path.stat().st_size
            if size < position:  # a half-written line was removed
                position, rest = size, b""
            with path.open("rb") as file:
                file.seek(position)
                content = file.read()
        position += len(content)
        *lines, rest = (rest + content).split(b"\n")
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and isinstance(event.get("event"), str):
                yield event
        if not lines and not wait():
            return
