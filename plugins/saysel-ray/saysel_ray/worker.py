"""A worker: a process of the cluster that runs one shard at a time.

A shard may ask servers, which only the process that started the run does. So a shard is run in
steps: `start` returns its first step, `proceed` the next one. A step is a call of a server, whose
reply goes to `proceed`, or the outcome of the shard, which is the last one.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any

import saysel
from saysel.errors import StageError
from saysel.workers import (
    Failure,
    Outcome,
    ServerCall,
    ServerReply,
    outcome,
    server_calls_go_to,
    unpack,
)

Step = ServerCall | Outcome
#: Functions that are kept: a stage has at most two at a time.
MAX_FUNCTIONS = 4


@dataclass(frozen=True)
class Description:
    """Where a worker is.

    Attributes:
        version: of saysel.
        host: name of the machine.
        node: Ray's id of the node.
        process: process id.
    """

    version: str
    host: str
    node: str
    process: int


class Worker:
    """Runs shards; models stay loaded between them."""

    def __init__(self, directory: str) -> None:
        """
        Args:
            directory: of the process that started the run, for relative paths.
        """
        with suppress(OSError):  # a node that does not have it may not need it
            os.chdir(directory)
        self._functions: dict[str, Any] = {}
        self._steps: SimpleQueue[Step] = SimpleQueue()
        self._replies: SimpleQueue[Outcome] = SimpleQueue()

    def describe(self) -> Description:
        """Where it is."""
        import ray

        node = ray.get_runtime_context().get_node_id()
        return Description(saysel.__version__, socket.gethostname(), node, os.getpid())

    def start(self, key: str, work: bytes, shard: bytes) -> Step:
        """The first step of a shard.

        Args:
            key: names the function.
            work: the function, packed.
            shard: its argument, packed.
        """
        Thread(target=self._run, args=(key, work, shard), daemon=True).start()
        return self._steps.get()

    def proceed(self, reply: Outcome) -> Step:
        """The next step, once the server has replied."""
        self._replies.put(reply)
        return self._steps.get()

    def _run(self, key: str, work: bytes, shard: bytes) -> None:
        last = Outcome(failure=Failure.of(StageError("a component ended its process")))
        try:
            with server_calls_go_to(self._ask):
                last = outcome(partial(self._result, key, work), shard)
        finally:  # also if a component raised SystemExit
            self._steps.put(last)

    def _result(self, key: str, work: bytes, shard: bytes) -> Any:
        try:
            if key not in self._functions:
                self._functions[key] = unpack(work)
                while len(self._functions) > MAX_FUNCTIONS:
                    del self._functions[next(iter(self._functions))]
            item = unpack(shard)
        except ImportError as error:
            raise StageError(
                f"the node {socket.gethostname()} of the Ray cluster lacks a package ({error}): "
                "install the same packages on all nodes"
            ) from error
        return self._functions[key](item)

    def _ask(self, call: ServerCall) -> ServerReply:
        self._steps.put(call)
        reply = self._replies.get()
        if reply.failure is not None:
            raise reply.failure.error()
        answered: ServerReply = reply.result
        return answered
