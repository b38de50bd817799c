"""Workers, nodes and drivers that are killed: nothing is lost, done twice or paid twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from saysel.errors import StageError
from saysel_ray.engine import RayEngine

from .conftest import ChatServer, records

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def functions_travel(cluster: Any) -> None:
    """Workers cannot import this module."""
    from ray import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])


class Fragile:
    """Notes each shard in a file when it begins; some end their process once."""

    def __init__(self, log: Path, ending: tuple[int, ...], always: bool = False) -> None:
        self.log, self.ending, self.always = log, ending, always

    def __call__(self, number: int) -> int:
        before = self.log.read_text().split() if self.log.exists() else []
        with self.log.open("a") as file:
            file.write(f"{number}\n")
        time.sleep(0.1)
        if number in self.ending and (self.always or str(number) not in before):
            os.kill(os.getpid(), signal.SIGKILL)
        return number


def test_a_killed_worker_is_replaced_and_its_shard_done_again(
    engine: RayEngine, tmp_path: Path
) -> None:
    work = Fragile(tmp_path / "log", ending=(3, 4))

    assert list(engine.map(work, iter(range(10)))) == list(range(10))

    done = Counter(map(int, (tmp_path / "log").read_text().split()))
    assert done == {number: 2 if number in (3, 4) else 1 for number in range(10)}


def test_a_shard_that_ends_every_worker_is_an_error(engine: RayEngine, tmp_path: Path) -> None:
    work = Fragile(tmp_path / "log", ending=(1,), always=True)

    with pytest.raises(StageError, match="3 workers of the Ray cluster have ended at the same sha"):
        list(engine.map(work, iter(range(3))))

    assert Counter((tmp_path / "log").read_text().split())["1"] == 3


def where(number: int) -> tuple[int, str]:
    import ray

    time.sleep(0.3)
    return number, ray.get_runtime_context().get_node_id()


def test_a_node_that_is_killed_is_done_without(new_cluster: Callable[..., Any]) -> None:
    cluster = new_cluster(num_cpus=1)
    other = cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    engine = RayEngine(address=cluster.address, replicas=2)
    results = []
    try:
        for number, node in engine.map(where, iter(range(30))):
            results.append((number, node))
            if len(results) == 6:
                assert other.node_id in {node for _, node in results}
                raylet = other.all_processes["raylet"][0].process
                os.kill(raylet.pid, signal.SIGKILL)
    finally:
        engine.release()

    assert [number for number, _ in results] == list(range(30))
    assert {node for _, node in results[-5:]} == {cluster.head_node.node_id}


def test_nodes_that_come_later_are_waited_for(new_cluster: Callable[..., Any]) -> None:
    cluster = new_cluster(num_cpus=1)
    engine = RayEngine(address=cluster.address, replicas=1, cpus=2, wait=60)
    try:
        results = engine.map(where, iter(range(2)))
        engine.check_available()
        node = cluster.add_node(num_cpus=2, object_store_memory=80 << 20)
        assert list(results) == [(0, node.node_id), (1, node.node_id)]
    finally:
        engine.release()


RECIPE = """
name: asking
model: {{use: remote, name: m}}
source: {{use: witness, pretrain: 30, train: 24, dev: 6, heldout: 9}}
sample: {sampler}
rationale: {{use: llm, sampler: {sampler}, max_missing: 1.0, retries: 0}}
judge: {{use: llm, sampler: {sampler}, max_missing: 1.0, retries: 0}}
leaks: allow
evaluate: {{estimators: [verbalized]}}
"""
#: Runs a recipe in shards of three questions.
DRIVER = """
import signal, sys
from saysel import run
from saysel.stages import rationale, sample, target
sample.RESPONSES_PER_SHARD = 12
rationale.QUESTIONS_PER_SHARD = target.QUESTIONS_PER_SHARD = 3
signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest may ignore it
run(sys.argv[1], sys.argv[2], set=sys.argv[3:], until="target")
"""


@pytest.mark.parametrize("victim", ["worker", "driver", "Ctrl-C"])
def test_nothing_is_paid_twice(
    victim: str, cluster: Any, server: ChatServer, tmp_path: Path
) -> None:
    recipe = tmp_path / "asking.yaml"
    sampler = {"use": "openai", "base_url": server.url, "model": "m", "concurrency": 2, "n": 4}
    recipe.write_text(RECIPE.format(sampler=json.dumps({**sampler, "max_tokens": 8})))
    ray = f"engine={{use: ray, address: '{cluster.address}', replicas: 2}}"

    def start(out: str, *options: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", DRIVER, recipe, tmp_path / out, *options])

    assert start("local").wait() == 0
    expected = Counter(server.asked)
    server.asked.clear()
    server.seconds = 0.3
    driver = start("ray", ray)
    while len(server.asked) < 10:
        assert driver.poll() is None
        time.sleep(0.05)
    if victim == "worker":
        os.kill(workers()[0], signal.SIGKILL)
        assert driver.wait() == 0
    else:
        driver.send_signal(signal.SIGINT if victim == "Ctrl-C" else signal.SIGKILL)
        assert driver.wait() != 0
        time.sleep(1)
        assert len(server.asked) < sum(expected.values())
        assert start("ray", ray).wait() == 0

    repeated = Counter(server.asked) - expected
    assert not expected - Counter(server.asked)
    unanswered = 2 if victim == "driver" else 0  # requests in flight, whose replies were lost
    assert sum(repeated.values()) <= unanswered
    assert records(tmp_path / "ray") == records(tmp_path / "local")


def workers() -> list[int]:
    """Process ids of the workers: Ray names a process after its class."""
    named = subprocess.run(["pgrep", "-f", "^ray::Worker"], capture_output=True, text=True)
    return [int(process) for process in named.stdout.split()]
