"""Call a function in several processes that work together, as those of one run do."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

SECONDS = 240


def compute(directory: Path, function: Callable[[], Any], shard: bool = False) -> list[Any]:
    """What a picklable function returns in each of two processes."""
    directory.mkdir(parents=True, exist_ok=True)
    request, reply = directory / "request.pkl", directory / "reply.pkl"
    request.write_bytes(pickle.dumps((function, shard)))
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.several_processes", str(directory)],
            env={**os.environ, **launcher_variables(rank, port)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for port in [free_port()]
        for rank in range(2)
    ]
    said = [child.communicate(timeout=SECONDS)[1] for child in children]
    assert [child.returncode for child in children] == [0, 0], "\n".join(said)
    results: list[Any] = pickle.loads(reply.read_bytes())
    return results


def launcher_variables(rank: int, port: int) -> dict[str, str]:
    """What torchrun tells one of two processes on this machine."""
    numbers = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "MASTER_PORT": port}
    values = {name: str(value) for name, value in numbers.items()}
    return {**values, "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def _work(directory: Path) -> None:
    from saysel.hf import processes

    function, shard = pickle.loads((directory / "request.pkl").read_bytes())
    processes.join(shard)
    if processes.rank():
        return processes.follow()
    with processes.leading():
        result, others = processes.together(function, partial(function))
        (directory / "reply.pkl").write_bytes(pickle.dumps([result, *others]))


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
