"""Connecting to a Ray cluster, and what it has room for."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saysel.errors import UsageError

if TYPE_CHECKING:
    from saysel_ray.engine import RayEngine

#: Memory for objects of a cluster that is started for the run: records are small.
OBJECT_STORE_BYTES = 200 << 20
#: Port of addresses that begin with ray://, unless they name one.
CLIENT_PORT = 10001
CONNECT_SECONDS = 10.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: Set where the user has not set them, before Ray is imported.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@dataclass(frozen=True)
class Placement:
    """What each worker gets.

    Attributes:
        replicas: number of workers.
        devices, cpus: of a worker.
        wait: seconds to wait for nodes that are not there yet.
    """

    replicas: int
    devices: float
    cpus: float
    wait: float


@dataclass(frozen=True)
class Cluster:
    """A connection to a cluster.

    Attributes:
        address: as the user wrote it.
        owned: whether this process has made the connection, and has to end it.
    """

    address: str
    owned: bool

    @classmethod
    def connected(cls, address: str) -> Cluster:
        """Connect, or use the connection that this process has.

        Raises:
            UsageError: there is no cluster at the address, or it refuses the connection.
        """
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        import ray

        if ray.is_initialized():
            return cls(address, owned=False)
        try:
            _connect(address)
        except Exception as error:  # Ray raises anything from AssertionError to grpc's own
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise UsageError(
                f"engine.address: no Ray cluster can be reached at '{address}' ({reason}): check "
                "the address and that the cluster runs (ray status), or use local"
            ) from error
        return cls(address, owned=True)

    def leave(self) -> None:
        """End the connection; a cluster that was started by it ends."""
        import ray

        if self.owned:
            ray.shutdown()

    def placement(self, engine: RayEngine) -> Placement:
        """What each worker gets, according to an engine's options.

        Raises:
            UsageError: the cluster has no room for it, and nothing says that it will grow.
        """
        import ray

        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        devices = engine.devices
        if devices is None:
            devices = 1.0 if any(node.get("GPU", 0) for node in nodes) else 0.0
        room = _room(nodes, devices, engine.cpus)
        replicas = engine.replicas or (max(1, room) if devices else 1)
        if replicas > room and not engine.wait:
            raise UsageError(_too_small(nodes, replicas, devices, engine.cpus, room))
        return Placement(replicas, devices, engine.cpus, engine.wait)


def _connect(address: str) -> None:
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or _own_cluster()
    if address != "local":
        if not _answers(address):
            raise ConnectionError("nothing answers there")
        return _init(address)
    return _init("local", include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES)


def _own_cluster() -> str:
    """The cluster that `ray start` made this machine a part of, else `local`."""
    from ray._private.services import canonicalize_bootstrap_address

    address: str | None = canonicalize_bootstrap_address(None)
    return address if address and _answers(address) else "local"


def _answers(address: str) -> bool:
    """Whether something listens there; Ray itself would try for five minutes."""
    from ray.util import get_node_ip_address

    host, colon, port = address.removeprefix("ray://").rpartition(":")
    host, port = (host, port) if colon else (port, str(CLIENT_PORT))
    # Ray takes the loopback address for this machine's own, where the cluster listens.
    for each in (host, get_node_ip_address()) if host in LOOPBACK else (host,):
        with suppress(OSError, ValueError):
            socket.create_connection((each, int(port)), CONNECT_SECONDS).close()
            return True
    return False


def _init(address: str, **options: Any) -> None:
    import ray

    ray.init(
        address=address,
        namespace="saysel",
        log_to_driver=False,
        logging_level=logging.ERROR,
        configure_logging=False,
        **options,
    )


def _room(nodes: Sequence[Mapping[str, float]], devices: float, cpus: float) -> int:
    """How many workers fit on the nodes, each on one of them."""
    return sum(
        min(
            int(node.get("CPU", 0) / cpus),
            _groups(node.get("GPU", 0), devices) if devices else 1 << 30,
        )
        for node in nodes
    )


def _groups(available: float, devices: float) -> int:
    """How many workers a node has devices for; a share of a device is of a single one."""
    return int(available) * int(1 / devices) if devices < 1 else int(available / devices)


def _too_small(
    nodes: Sequence[Mapping[str, float]], replicas: int, devices: float, cpus: float, room: int
) -> str:
    has = ", ".join(f"{node.get('GPU', 0):g} and {node.get('CPU', 0):g}" for node in nodes)
    wanted = f"{replicas} workers of {devices:g} devices and {cpus:g} CPUs each"
    advice = f"set engine.replicas to at most {room}" if room else "lower engine.devices or cpus"
    return (
        f"engine: {wanted} do not fit on the Ray cluster, whose nodes have {has}: {advice}, or set "
        "engine.wait if the cluster adds nodes on demand"
    )
