from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from saysel.storage.event_log import events


def log(*given: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(event).encode() + b"\n" for event in given)


def test_events_are_read_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    one, two, three = ({"event": "training", "step": k} for k in range(3))
    parts = [b"", log(one)[:9], log(one)[9:] + b"{}\n[1]\nnot JSON\n", log(two) + log(three)[:4]]

    def wait() -> bool:
        if parts:
            with path.open("ab") as file:
                file.write(parts.pop(0))
            return True
        if path.read_bytes().endswith(b"\n"):
            return False
        # The run was killed and started again: it removes the half-written line.
        path.write_bytes(path.read_bytes()[:-4])
        parts.append(log(three))
        return True

    assert list(events(path, wait)) == [one, two, three]


def test_a_log_that_is_not_there_has_no_events(tmp_path: Path) -> None:
    assert list(events(tmp_path / "events.jsonl")) == []
