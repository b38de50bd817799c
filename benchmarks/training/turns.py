"""Workers that train in turns: each is a process, and waits while another one has its turn.

The machine's load then slows all of them alike, start-up is not timed, and each has its own
libraries. A worker prints a JSON object when it is ready and after each turn, and starts a turn
when it reads a line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

import torch

from benchmarks.training.settings import Settings

#: The root of the repository, from which workers import this folder and saysel.
ROOT = Path(__file__).parents[2]


class Turns:
    """A worker's side: its trainer reports every optimizer step, and is held between turns.

    Attributes:
        total: optimizer steps of all turns, with those before the first.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.total = settings.warmup + settings.turns * settings.steps
        self.done = 0
        self.reply_tokens = 0
        # The protocol has standard output for itself: libraries print to standard error.
        self.channel = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)

    def step_ended(self) -> None:
        self.done += 1
        steps = self.done - self.settings.warmup
        if steps < 0 or steps % self.settings.steps:
            return
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        report: dict[str, float] = {}
        if steps:
            report = {
                "seconds": time.perf_counter() - self.began,
                "reply_tokens": self.reply_tokens,
                "peak_mb": peak_memory() / 2**20,
            }
        print(json.dumps(report), file=self.channel, flush=True)
        if self.done < self.total:
            sys.stdin.readline()
        if not steps:
            reset_peak_memory()
        self.reply_tokens = 0
        self.began = time.perf_counter()


def reset_peak_memory() -> None:
    """Start a new peak, of the accelerator if there is one, otherwise of this process."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    elif os.access("/proc/self/clear_refs", os.W_OK):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> int:
    """Bytes in use at most, see `reset_peak_memory`; 0 where the system does not record it."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


class Worker:
    """The side of the process that compares: starts a worker, and gives it its turns."""

    def __init__(
        self, python: str, name: str, settings: Settings, log: TextIO, limit: float | None = None
    ) -> None:
        """Start it, and wait until it is ready.

        Args:
            python: the interpreter of its environment.
            name: one of `benchmarks.training.worker.WORKERS`.
            log: receives what its libraries print.
            limit: it is killed after this many seconds.

        Raises:
            RuntimeError: it ended; the message is the last line it printed.
        """
        self.name, self.log = name, log
        self.process = subprocess.Popen(
            [python, "-m", "benchmarks.training.worker", name, settings.to_json()],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        self.timer = threading.Timer(limit or threading.TIMEOUT_MAX, self.process.kill)
        self.timer.daemon = True
        self.timer.start()
        try:
            self._read()
        except BaseException:
            self.stop()
            raise

    def turn(self) -> dict[str, float]:
        """Its next turn: seconds, tokens of the sampled replies, peak memory in MB."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self._read()

    def stop(self) -> None:
        """End it, without waiting for what it would still save."""
        self.timer.cancel()
        self.process.kill()
        self.process.wait()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            lines = Path(self.log.name).read_text().strip().splitlines() or ["(no output)"]
            last = "killed, out of time or memory" if status < 0 else lines[-1]
            raise RuntimeError(f"{self.name} ended early: {last}")
        report: dict[str, Any] = json.loads(line)
        return report
