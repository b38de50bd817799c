"""Servers of language models that this project did not write."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(command: Sequence[str | Path], said: Path, **environment: str) -> Iterator[str]:
    """Where the server listens, from when it is ready until the end.

    Args:
        command: starts it; where to listen is added.
        said: file for what it prints.
        environment: of its own, beside what this process has.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with said.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--host=127.0.0.1", f"--port={port}"],
            stdout=file,
            stderr=file,
            env={**os.environ, **environment},
        )
    try:
        until = time.monotonic() + 600
        while not _ready(f"http://127.0.0.1:{port}/health"):
            assert process.poll() is None and time.monotonic() < until, said.read_text()
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
