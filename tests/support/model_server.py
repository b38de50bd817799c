"""Run real language-model servers, such as `vllm serve`, during a test."""

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
def run_server(command: Sequence[str | Path], said: Path, **environment: str) -> Iterator[str]:
    """Start a server, wait until it is ready, and give its base URL.

    Args:
        command: starts the server; host and port are appended.
        said: file that receives its output.
        environment: additional environment variables.
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
