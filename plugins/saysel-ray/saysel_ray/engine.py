"""The engine `ray`: its options, and the order of its results."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from importlib.util import find_spec
from typing import Any

from pydantic import Field, field_validator

from saysel.errors import UsageError
from saysel.interfaces import Engine, Item, NotFingerprinted, Result
from saysel.workers import pack
from saysel_ray import session

#: Shards under way for each worker: one that is run, the others queued or finished too early.
SHARDS_PER_WORKER = 4


class RayEngine(Engine):
    """Runs shards in workers of a Ray cluster, each of which keeps its models loaded.

    The process that started the run draws the shards, writes all records, and makes all requests
    to servers, so limits and stored responses are one for the whole run. A shard whose worker or
    node is lost is run again by another worker. Models are trained in the process that started the
    run; workers end before, so that their devices are free.
    """

    address: NotFingerprinted[str] = Field(
        "auto",
        min_length=1,
        description="host:port or ray://host:port of a cluster; auto: the one that this machine "
        "belongs to, else one is started here for the run; local: always start one",
    )
    replicas: NotFingerprinted[int | None] = Field(
        None,
        ge=1,
        description="number of workers; null: as many as the cluster has devices for, one if it "
        "has none",
    )
    devices: NotFingerprinted[float | None] = Field(
        None,
        ge=0,
        description="accelerators of a worker, a share of one or several on one node; null: one, "
        "or none if the cluster has none",
    )
    cpus: NotFingerprinted[float] = Field(
        1, gt=0, description="CPUs of a worker, which is also its number of threads"
    )
    wait: NotFingerprinted[float] = Field(
        0,
        ge=0,
        description="seconds to wait for nodes that are not there yet, where a cluster adds them "
        "on demand",
    )

    @field_validator("devices", "cpus")
    @classmethod
    def _is_whole_above_one(cls, amount: float | None) -> float | None:
        if amount is not None and amount > 1 and amount != int(amount):
            raise ValueError("must be a whole number if it is above 1")
        return amount

    def check_installed(self) -> None:
        if find_spec("ray") is None:
            raise UsageError(
                f"the engine '{self.use or 'ray'}' needs the package 'ray', which is not "
                "installed: pip install saysel-ray"
            )

    def check_available(self) -> None:
        session.workers(self)

    def map(self, function: Callable[[Item], Result], shards: Iterable[Item]) -> Iterator[Result]:
        under_way: deque[Future[Any]] = deque()
        work = None
        try:
            for shard in shards:
                workers = session.workers(self)
                if work is None:
                    work = workers.share(_packed(function))
                under_way.append(workers.submit(work, _packed(shard)))
                if len(under_way) == SHARDS_PER_WORKER * workers.count:
                    yield workers.result(under_way.popleft())
            while under_way:
                yield workers.result(under_way.popleft())
        finally:
            for future in under_way:
                future.cancel()

    def release(self) -> None:
        session.end()


def _packed(value: Any) -> bytes:
    """A value for a worker; what a script or notebook defines goes along."""
    from ray import cloudpickle

    return pack(value, cloudpickle.dumps)
