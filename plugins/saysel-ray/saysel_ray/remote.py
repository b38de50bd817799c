"""A worker as seen from the process that started the run: started, asked, lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import saysel
from saysel.errors import ContractError, DataError, StageError
from saysel.workers import Outcome, ServerCall
from saysel_ray.cluster import Placement
from saysel_ray.worker import Description, Worker

#: Seconds between two looks at whether a worker has started.
POLL_SECONDS = 1.0


class WorkerLost(Exception):
    """A worker or its node has ended, or cannot be reached."""


class Closed(Exception):
    """The workers are being ended."""


class RemoteWorker:
    """A worker in its process."""

    def __init__(self, placement: Placement) -> None:
        """Have Ray start it, which takes until there is room."""
        import ray

        options = {
            "num_cpus": placement.cpus,
            "num_gpus": placement.devices,
            "scheduling_strategy": "SPREAD",
        }
        self._actor = ray.remote(Worker).options(**options).remote(os.getcwd())
        self._described = self._actor.describe.remote()
        self.where: Description | None = None

    def wait_until_started(self, keeps_waiting: Callable[[], bool]) -> None:
        """Wait for it.

        Args:
            keeps_waiting: called now and then; whether to wait longer.

        Raises:
            StageError: it cannot be started.
            Closed: there is no need to wait longer.
        """
        import ray

        while not ray.wait([self._described], timeout=POLL_SECONDS)[0]:
            if not keeps_waiting():
                self.end()
                raise Closed
        try:
            self.where = ray.get(self._described)
        except Exception as error:
            raise StageError(_cannot_start(error)) from error
        if self.where.version != saysel.__version__:
            self.end()
            raise StageError(
                f"the node {self.where.host} of the Ray cluster has saysel {self.where.version}, "
                f"this process {saysel.__version__}: install the same version on all nodes"
            )

    def run(
        self, key: str, work: Any, shard: bytes, ask: Callable[[ServerCall], Outcome]
    ) -> Outcome:
        """What a function gives for a shard.

        Args:
            ask: makes a call of a server.

        Raises:
            WorkerLost: the worker ended.
        """
        step = self._step(self._actor.start.remote(key, work, shard))
        while isinstance(step, ServerCall):
            step = self._step(self._actor.proceed.remote(ask(step)))
        return step

    def end(self) -> None:
        """End its process."""
        import ray

        with suppress(Exception):
            ray.kill(self._actor)

    def explained(self, error: BaseException, own_node: str) -> BaseException:
        """An error of a shard; one about files names the node, unless it is this one."""
        about_files = isinstance(error, DataError | FileNotFoundError)
        about_files = about_files and not isinstance(error, ContractError)
        if self.where is None or self.where.node == own_node or not about_files:
            return error
        explained = StageError(
            f"{error} (on the node {self.where.host} of the Ray cluster: models and data have to "
            "be at the same paths on all nodes)"
        )
        explained.__cause__ = error
        return explained

    def _step(self, reference: Any) -> ServerCall | Outcome:
        import ray
        from ray import exceptions

        try:
            step: ServerCall | Outcome = ray.get(reference)
            return step
        except exceptions.RayTaskError:  # an error in `Worker`, not in its process
            raise
        except exceptions.RayError as error:
            self.end()
            raise WorkerLost(_first_line(error)) from error


def _cannot_start(error: Exception) -> str:
    text = " ".join(str(error).split())
    missing = text.rpartition("ModuleNotFoundError: ")[2] if "ModuleNotFoundError" in text else ""
    if missing:
        return (
            f"a node of the Ray cluster lacks a package ({missing[:100]}): install saysel-ray and "
            "what the recipe needs on all nodes"
        )
    return f"a worker of the Ray cluster cannot be started: {text[:300]}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
