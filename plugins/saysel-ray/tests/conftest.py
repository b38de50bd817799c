"""A Ray cluster of one node for all tests, and a server that counts what it is asked."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from saysel_ray.engine import RayEngine

#: Of a node: as little memory as Ray allows, and two CPUs whatever the machine has.
NODE = {"num_cpus": 2, "object_store_memory": 80 << 20}
ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="session")
def new_cluster() -> Iterator[Callable[..., Any]]:
    """Makes clusters on this machine, each with one node at first."""
    pytest.importorskip("ray", reason="ray is not installed")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))  # of the nodes
        from ray.cluster_utils import Cluster

        clusters: list[Any] = []

        def make(**options: Any) -> Any:
            settings = {"health_check_period_ms": 500, "health_check_failure_threshold": 3}
            head = {**NODE, "include_dashboard": False, "_system_config": settings, **options}
            clusters.append(Cluster(initialize_head=True, head_node_args=head))
            return clusters[-1]

        yield make
        for cluster in clusters:
            cluster.shutdown()


@pytest.fixture(scope="session")
def cluster(new_cluster: Callable[..., Any]) -> Any:
    """A cluster of one node."""
    return new_cluster()


@pytest.fixture(scope="module")
def engine(cluster: Any) -> Iterator[RayEngine]:
    """Two workers."""
    engine = RayEngine(use="ray", address=cluster.address, replicas=2)
    yield engine
    engine.release()


class ChatServer:
    """Answers questions by a rule, as OpenAI's API does, and notes the requests.

    Attributes:
        url: base URL.
        asked: the last message of each request, in order.
        most: requests at the same time.
        seconds: of a reply.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = self.most = 0
        self.seconds = 0.0
        self.lock = threading.Lock()
        chat = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = json.dumps(chat.reply(json.loads(self.rfile.read(length)))).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def reply(self, body: dict[str, Any]) -> dict[str, Any]:
        prompt, n = body["messages"][-1]["content"], body.get("n", 1)
        with self.lock:
            self.asked.append(prompt)
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(self.seconds)
        with self.lock:
            self.now -= 1
        texts = [f"Answer: {len(prompt) % 7 + i % 2} Confidence: {i % 11}" for i in range(n)]
        choices = [
            {"index": i, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            for i, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": 10, "completion_tokens": 5 * n, "total_tokens": 10 + 5 * n}
        head = {"id": "1", "object": "chat.completion", "created": 0, "model": body["model"]}
        return {**head, "choices": choices, "usage": usage}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A server that counts what it is asked."""
    server = ChatServer()
    yield server
    server.close()


def records(run: Path) -> dict[str, bytes]:
    """The content of every shard of a run, by its path."""
    paths = sorted(run.glob("stages/**/part-*.parquet"))
    return {str(path.relative_to(run)): path.read_bytes() for path in paths}
