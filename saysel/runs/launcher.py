"""Starts one run in several processes of this machine, and ends them together."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from subprocess import Popen
from types import FrameType

from saysel.display.terminal import echo

#: Seconds between two looks at the processes.
POLL_SECONDS = 0.1
#: Seconds that the others get to end by themselves once a process has ended.
GRACE_SECONDS = 30.0
#: Seconds between asking a process to end and killing it.
KILL_SECONDS = 5.0


def launch(count: int, arguments: Sequence[str]) -> int:
    """Run a saysel command in several processes, and wait for all of them.

    Ctrl-C goes to the first process, which ends the others. A process that ends unexpectedly ends
    all of them.

    Args:
        count: number of processes.
        arguments: of the command line.

    Returns:
        The exit code of the first process; 1 if it had to be ended.
    """
    environment = {
        **os.environ,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        "WORLD_SIZE": str(count),
    }
    environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
    processes = [
        Popen(
            [sys.executable, "-m", "saysel", *arguments],
            env={**environment, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            start_new_session=True,  # Ctrl-C reaches this process only, which passes it on
        )
        for rank in range(count)
    ]
    with _signals_passed_on(processes):
        try:
            return _wait(processes)
        finally:
            _end(processes)


def _wait(processes: Sequence[Popen[bytes]]) -> int:
    """The exit code of the first process, once it has ended or has to be ended."""
    first, *others = processes
    until = None
    while first.poll() is None:
        failed = [process for process in others if process.poll()]
        if failed and until is None:
            until = time.monotonic() + GRACE_SECONDS  # in which the first one reports the error
        if until is not None and time.monotonic() > until:
            return _unexpected(failed[0].returncode)
        time.sleep(POLL_SECONDS)
    return first.returncode if first.returncode >= 0 else _unexpected(first.returncode)


def _unexpected(code: int) -> int:
    reason = f"signal {-code}" if code < 0 else f"exit code {code}"
    echo(
        f"a process of this run ended unexpectedly ({reason}), perhaps because memory ran out: "
        "run the same command again to continue",
        err=True,
    )
    return 1


def _end(processes: Sequence[Popen[bytes]]) -> None:
    """Let the processes end, then ask them to, then kill them."""
    for wait, number in ((KILL_SECONDS, signal.SIGTERM), (KILL_SECONDS, signal.SIGKILL)):
        until = time.monotonic() + wait
        while any(process.poll() is None for process in processes):
            if time.monotonic() > until:
                break
            time.sleep(POLL_SECONDS)
        for process in processes:
            if process.poll() is None:
                process.send_signal(number)
    for process in processes:
        process.wait()


@contextmanager
def _signals_passed_on(processes: Sequence[Popen[bytes]]) -> Iterator[None]:
    """Pass Ctrl-C on to the first process, and other requests to end on to all of them."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        processes[0].send_signal(number)

    def terminate(number: int, frame: FrameType | None) -> None:
        for process in processes:
            process.send_signal(number)

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, interrupt),
        signal.SIGTERM: signal.signal(signal.SIGTERM, terminate),
        signal.SIGHUP: signal.signal(signal.SIGHUP, terminate),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
