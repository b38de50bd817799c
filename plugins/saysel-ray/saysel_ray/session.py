"""The cluster that this process is connected to, and its workers there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saysel_ray.cluster import Cluster
from saysel_ray.pool import Pool

if TYPE_CHECKING:
    from saysel_ray.engine import RayEngine

_open: dict[RayEngine, Pool] = {}


def workers(engine: RayEngine) -> Pool:
    """The workers that an engine's options describe, which stay until `end`.

    Raises:
        UsageError: the cluster cannot be reached, or is too small.
    """
    if engine not in _open:
        end()
        cluster = Cluster.connected(engine.address)
        try:
            _open[engine] = Pool(cluster, cluster.placement(engine))
        except BaseException:
            cluster.leave()
            raise
    return _open[engine]


def end() -> None:
    """End all workers and leave the cluster; one that was started for the run ends too."""
    for engine in list(_open):
        _open.pop(engine).close()
