"""A run directory on a file system that has no locks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from saysel.mirror.folder import Folder
from saysel.mirror.lease import Lease
from tests.support.no_locks import no_locks_library

RECIPE = {
    "name": "mine",
    "model": {"use": "small", "path": "."},
    "source": "small",
    "sample": "small",
    "train": [],
    "evaluate": {"estimators": ["small"]},
    "leaks": "allow",
}
SCRIPT = """\
import json, sys
import saysel
from saysel import registry
from saysel.errors import SayselError
from tests.support import small_plugin

registry.current().add(small_plugin, "small", "1.0")
try:
    run = saysel.run(json.loads(sys.argv[1]), sys.argv[2], until="sample")
    print(*run.ran, saysel.Run(sys.argv[2]).directory)
except SayselError as error:
    print(error)
"""


def test_it_is_used_with_a_lease_and_a_working_copy(tmp_path: Path) -> None:
    drive = tmp_path / "drive"
    drive.mkdir()
    environment = {
        **os.environ,
        "LD_PRELOAD": no_locks_library(tmp_path),
        "NO_LOCKS_BELOW": str(drive),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }

    def run(machine: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, json.dumps(RECIPE), str(drive / "mine")],
            env={**environment, "SAYSEL_CACHE": str(tmp_path / machine)},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert run("a") == f"model sample {tmp_path / 'a' / 'runs' / 'file'}{drive / 'mine'}"
    assert list((drive / "mine").glob("stages/sample-*/done.json"))
    assert not list((drive / "mine").glob("**/*.lock"))
    with Lease(Folder(drive / "mine"), "another machine").held():
        assert "another saysel process works in this run directory (process " in run("b")
