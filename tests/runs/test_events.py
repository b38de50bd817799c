from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from saysel.errors import StageError
from saysel.runs.events import Events


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_one_object_a_line_with_its_time(tmp_path: Path) -> None:
    events = Events(tmp_path / "events.jsonl")
    events.write("run_started", recipe="a\nb")
    events.write("run_finished")

    first, second = lines(events.path)
    assert first["event"] == "run_started"
    assert first["recipe"] == "a\nb"
    assert second["event"] == "run_finished"
    assert abs(float(str(first["time"])) - time.time()) < 60


def test_later_runs_append(tmp_path: Path) -> None:
    for name in ("first", "second"):
        Events(tmp_path / "events.jsonl").write(name)

    assert [line["event"] for line in lines(tmp_path / "events.jsonl")] == ["first", "second"]


@pytest.mark.parametrize("whole", [b"", b'{"event": "a"}\n'])
def test_half_a_line_of_a_killed_process_is_dropped(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(whole + b'{"event": "to')

    Events(path).write("next")

    assert [line["event"] for line in lines(path)] == [*(["a"] if whole else []), "next"]


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    events = Events(tmp_path / "missing" / "events.jsonl")

    with pytest.raises(StageError, match=r"events\.jsonl: cannot be written"):
        events.write("run_started")
