"""A run of two processes: the same records, and one of them is killed in the middle of training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support import end_to_end
from tests.support.api_server import Concurrent, Server

pytestmark = pytest.mark.slow

RECIPE = end_to_end.RECIPE.replace("lora: null, max_steps: 12", "lora: null, max_steps: 150")
SECONDS = 120


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "long.yaml"
    path.write_text(RECIPE)
    return path


def children(process: int) -> list[int]:
    return [
        int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    ]


def training_steps(run: Path) -> list[float]:
    """The steps of fine-tuning that were recorded."""
    path = run / "events.jsonl"
    lines = path.read_text().splitlines() if path.is_file() else []
    events = [json.loads(line) for line in lines]
    return [
        event["step"]
        for event in events
        if event["event"] == "training" and event["stage"] == "train-sft" and "loss" in event
    ]


def wait_for_checkpoint(run: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + SECONDS
    while not list(run.glob("stages/train-sft-*/checkpoints/*/complete.json")):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)


def test_a_killed_process_ends_the_run_which_continues_with_the_same_records(
    recipe: Path, tmp_path: Path
) -> None:
    run, arguments = tmp_path / "run", ("--processes", "2", "--until", "train")
    process = end_to_end.start_command("run", recipe, "--out", run, *arguments)
    wait_for_checkpoint(run, process)
    os.kill(children(process.pid)[1], signal.SIGKILL)
    _, said = process.communicate(timeout=SECONDS)

    assert process.returncode == 1
    assert said.count("ended unexpectedly") == 1
    assert "Traceback" not in said
    killed_at = training_steps(run)[-1]
    assert killed_at < 150

    process = end_to_end.start_command("run", recipe, "--out", run, *arguments)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    steps = training_steps(run)
    assert steps[-1] == 150
    resumed = steps[steps.index(killed_at) + 1]
    assert 1 < resumed <= killed_at + 3

    alone = tmp_path / "alone"
    end_to_end.invoke("run", recipe, "--out", alone, "--until", "target")
    for records in sorted(alone.glob("stages/*/**/part-*.parquet")):
        assert (run / records.relative_to(alone)).read_bytes() == records.read_bytes()


def test_the_concurrency_of_all_processes_is_that_of_one(tmp_path: Path) -> None:
    recipe = tmp_path / "asking.yaml"
    with Server(slow := Concurrent(seconds=0.3)) as server:
        sampler = {"use": "openai", "base_url": server.url, "concurrency": 4, "n": 100}
        asking = {"model": {"use": "remote", "name": "m"}, "sample": sampler, "leaks": "allow"}
        source = {"use": "witness", "pretrain": 30, "train": 60, "dev": 6, "heldout": 9}
        recipe.write_text(json.dumps({"name": "asking", "source": source, **asking}))
        process = end_to_end.start_command(
            *("run", recipe, "--out", tmp_path / "run", "--processes", "2", "--until", "sample")
        )
        _, said = process.communicate(timeout=SECONDS)

    assert process.returncode == 0, said
    assert slow.most == 4 and len(server.requests) == 60
