"""Which cluster is used, what it has room for, and errors about both."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from saysel.errors import DataError, StageError, UsageError
from saysel_ray import cluster as clusters
from saysel_ray import pool
from saysel_ray.engine import RayEngine
from saysel_ray.remote import RemoteWorker
from saysel_ray.worker import Description


def visible_devices(_: int) -> str | None:
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def refusal(engine: RayEngine) -> str:
    """Why a run with an engine is refused before any work."""
    with pytest.raises(UsageError) as raised:
        engine.check_available()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_options_that_ray_cannot_place_are_refused() -> None:
    with pytest.raises(ValidationError, match="must be a whole number if it is above 1"):
        RayEngine(devices=1.5)
    assert RayEngine(devices=0.25).devices == 0.25 and RayEngine(devices=4).devices == 4


def test_without_ray_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "ray", raising=False)

    with pytest.raises(UsageError, match="the package 'ray', which is not installed: pip install"):
        RayEngine(use="ray").check_installed()


@pytest.mark.parametrize("address", ["{}", "ray://{}"])
def test_an_address_without_a_cluster_is_refused_at_once(address: str) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = address.format(f"127.0.0.1:{port}")

    said = refusal(RayEngine(address=address))

    assert said.startswith(f"engine.address: no Ray cluster can be reached at '{address}'")


def test_a_cluster_that_is_too_small_is_refused(cluster: Any) -> None:
    many = RayEngine(address=cluster.address, replicas=3)
    large = RayEngine(address=cluster.address, devices=4)

    assert refusal(many) == (
        "engine: 3 workers of 0 devices and 1 CPUs each do not fit on the Ray cluster, whose nodes "
        "have 0 and 2: set engine.replicas to at most 2, or set engine.wait if the cluster adds "
        "nodes on demand"
    )
    assert "1 workers of 4 devices" in refusal(large) and "lower engine.devices" in refusal(large)


@pytest.mark.parametrize(
    ("nodes", "devices", "cpus", "room"),
    [
        ([{"CPU": 8}], 0, 1, 8),
        ([{"CPU": 8, "GPU": 2}], 1, 1, 2),
        ([{"CPU": 8, "GPU": 2}], 0.5, 1, 4),
        ([{"CPU": 8, "GPU": 2}], 0.4, 1, 4),  # a share is of a single device
        ([{"CPU": 8, "GPU": 2}, {"CPU": 8, "GPU": 2}], 4, 1, 0),
        ([{"CPU": 8, "GPU": 8}, {"CPU": 64, "GPU": 8}], 4, 8, 3),
        ([{}], 0, 1, 0),
    ],
)
def test_workers_fit_on_nodes(
    nodes: list[dict[str, float]], devices: float, cpus: float, room: int
) -> None:
    assert clusters._room(nodes, devices, cpus) == room


def test_a_worker_that_cannot_start_in_time_is_an_error(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "START_SECONDS", 0.5)
    engine = RayEngine(address=cluster.address, devices=1, wait=1)
    try:
        with pytest.raises(StageError, match=r"no worker .* has started within 2 seconds"):
            list(engine.map(abs, [1]))
    finally:
        engine.release()


def test_an_error_about_files_names_the_node() -> None:
    worker = object.__new__(RemoteWorker)
    worker.where = Description("1", "gpu-7", "node", 1)
    error = DataError("/models/mine: there is no such model directory")

    assert str(worker.explained(error, "other")) == (
        "/models/mine: there is no such model directory (on the node gpu-7 of the Ray cluster: "
        "models and data have to be at the same paths on all nodes)"
    )
    assert worker.explained(error, "node") is error
    assert isinstance(worker.explained(ZeroDivisionError(), "other"), ZeroDivisionError)


@pytest.mark.slow
def test_devices_are_divided_among_workers(new_cluster: Any) -> None:
    """Ray takes our word for the devices, so that this is all that can be seen without any."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    address = new_cluster(num_cpus=4, num_gpus=4).address
    for options, seen in (
        ({"devices": 4}, {"0,1,2,3"}),
        ({"devices": 2}, {"0,1", "2,3"}),
        ({"devices": 0.5, "replicas": 1}, {"0"}),
        ({}, {"0", "1", "2", "3"}),
    ):
        engine = RayEngine(address=address, **options)
        shown = set(engine.map(visible_devices, range(24)))
        engine.release()
        assert shown <= seen, options


@pytest.mark.slow
def test_a_cluster_is_started_where_there_is_none(
    new_cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    engine = RayEngine(address="local")
    assert list(engine.map(abs, [-1])) == [1]
    assert [node["Alive"] for node in ray.nodes()] == [True]
    engine.release()
    assert not ray.is_initialized()
