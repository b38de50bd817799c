"""Training that was killed on one machine continues on another from the last checkpoint."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import saysel
from saysel.mirror.bucket import Bucket
from tests.support.end_to_end import events, results

KILLED = """\
import sys
from tests.support.killed_run import KillPoint, _child

_child(sys.argv[1], sys.argv[2:], KillPoint("train-ppo", units=2))
"""


@pytest.mark.slow
def test_training_continues_from_the_checkpoint_in_the_bucket(
    tiny_run: Path,
    tiny_copy: Path,
    tiny_recipe: Path,
    bucket: str,
    machine: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    address, store = f"{bucket}/tiny", Bucket(f"{bucket}/tiny")
    for unfinished in ("train-ppo-*", "evaluate-ppo-*", "report-*"):
        for step in (tiny_copy / "stages").glob(unfinished):
            shutil.rmtree(step)
    shutil.rmtree(tiny_copy / "report")
    for path in (path for path in tiny_copy.rglob("*") if path.is_file() and path.name != ".lock"):
        store.put(path, path.relative_to(tiny_copy).as_posix())

    machine("killed")
    command = ["run", str(tiny_recipe), "--out", address]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "said"), *command], env=dict(os.environ)
    )
    assert killed.returncode == -signal.SIGKILL, (tmp_path / "said").read_text()
    assert [name for name in store.list() if name.endswith("checkpoints/checkpoint.pt")]
    (lease,) = store.list(".lease")
    content = json.loads(store.read(lease) or b"")
    store.write(lease, json.dumps({**content, "until": 0}).encode())

    machine("other")
    run = saysel.run(tiny_recipe, address)

    assert run.ran == ("train-ppo", "evaluate-ppo-verbalized", "report")
    assert steps_of_last_start(run.directory) == [2]
    assert results(run.directory) == results(tiny_run)
    assert not [name for name in store.list() if "/checkpoints/" in name]


def steps_of_last_start(run: Path) -> list[int]:
    """The training steps that were made after the run was started last."""
    logged = events(run)
    began = max(n for n, event in enumerate(logged) if event["event"] == "run_started")
    return [event["step"] for event in logged[began:] if event["event"] == "training"]
