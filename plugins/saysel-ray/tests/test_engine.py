"""What the engine `ray` does with shards, on a real cluster of one node."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from typing import Any

import pytest

from saysel import testing
from saysel.errors import StageError
from saysel_ray import remote
from saysel_ray.engine import SHARDS_PER_WORKER, RayEngine


@pytest.fixture(scope="module", autouse=True)
def functions_travel(cluster: Any) -> None:
    """Workers cannot import this module."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])


def process(number: int) -> tuple[int, int]:
    time.sleep(0.3 if number == 0 else 0.02)
    return number, os.getpid()


def broken(number: int) -> int:
    if number == 2:
        raise StageError("shard 2 is broken")
    return number


def ends(number: int) -> int:
    raise SystemExit(number)


KEPT: list[int] = []


def keep(number: int) -> list[int]:
    """What a process has been given so far, as a loaded model would stay there."""
    KEPT.append(number)
    return list(KEPT)


def test_it_fulfils_the_contract_of_engines(engine: RayEngine) -> None:
    testing.check_engine(engine)


def test_results_come_in_order_from_several_processes(engine: RayEngine) -> None:
    results = list(engine.map(process, iter(range(12))))

    assert [number for number, _ in results] == list(range(12))
    assert len({worker for _, worker in results} - {os.getpid()}) == 2


def test_workers_keep_what_they_have_loaded(engine: RayEngine) -> None:
    one = engine.model_copy(update={"replicas": 1})

    assert list(one.map(keep, [1, 2, 3])) == [[1], [1, 2], [1, 2, 3]]
    assert os.getpid() != next(iter(one.map(process, [1])))[1]


def test_shards_are_drawn_as_they_are_needed(engine: RayEngine) -> None:
    drawn: list[int] = []

    def shards() -> Iterator[int]:
        for number in range(100):
            drawn.append(number)
            yield number

    results = engine.map(process, shards())
    assert drawn == []
    assert next(results)[0] == 0
    assert len(drawn) == 2 * SHARDS_PER_WORKER
    assert next(results)[0] == 1
    assert len(drawn) == 2 * SHARDS_PER_WORKER + 1


def test_one_stage_may_wait_for_another(engine: RayEngine) -> None:
    """As the judging of predictions does, which are made at the same time."""
    inner = engine.map(process, iter(range(20)))
    numbers = (number for number, _ in inner)

    assert [number for number, _ in engine.map(process, numbers)] == list(range(20))


def test_an_error_of_a_shard_is_raised_with_its_traceback(engine: RayEngine) -> None:
    results = engine.map(broken, iter(range(5)))

    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(StageError, match=r"^shard 2 is broken$") as raised:
        next(results)
    assert "in broken" in str(raised.value.__cause__)
    assert list(engine.map(broken, [0, 1])) == [0, 1]


def test_a_component_that_ends_its_process_is_an_error(engine: RayEngine) -> None:
    with pytest.raises(StageError, match="a component ended its process"):
        list(engine.map(ends, [1]))


def test_what_cannot_be_sent_is_one_line(engine: RayEngine) -> None:
    lock = threading.Lock()
    with pytest.raises(StageError, match="cannot be sent to another process") as raised:
        list(engine.map(lambda _: lock.locked(), [1]))

    assert "\n" not in str(raised.value)


class OfAnotherPackage:
    """Cannot be unpickled where a package is missing."""

    def __reduce__(self) -> Any:
        return import_module, ("missing_here",)


def test_a_package_that_a_node_lacks_is_one_line(engine: RayEngine) -> None:
    with pytest.raises(StageError, match=r"lacks a package .*missing_here.*: install the same"):
        list(engine.map(partial(process, OfAnotherPackage()), [1]))

    started = ImportError("…\nModuleNotFoundError: No module named 'saysel_ray'\n")
    assert remote._cannot_start(started) == (
        "a node of the Ray cluster lacks a package (No module named 'saysel_ray'): install "
        "saysel-ray and what the recipe needs on all nodes"
    )


def test_nothing_is_left_running(engine: RayEngine) -> None:
    import ray

    workers = {worker for _, worker in engine.map(process, iter(range(12)))}
    engine.release()

    assert not ray.is_initialized()
    until = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{worker}") for worker in workers):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert list(engine.map(broken, [0, 1])) == [0, 1]
