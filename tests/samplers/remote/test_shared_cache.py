"""Several processes share one file of responses: nothing is requested twice."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from saysel.errors import StageError
from saysel.records import Generation
from saysel.samplers.remote import leases
from saysel.samplers.remote.response_cache import ResponseCache
from tests.docs.blocks import ROOT
from tests.support.api_server import Model, Reply, Request, Server
from tests.support.no_locks import no_locks_library

PROMPTS = 40
#: Samples every prompt twice and prints the texts.
SCRIPT = """\
import json, sys
from saysel.records import ModelRef
from saysel.samplers.openai import OpenAISampler
url, store = sys.argv[1:]
sampler = OpenAISampler(base_url=url, store=store, concurrency=8, max_per_request=1)
prompts = [[{"role": "user", "content": f"question {row}"}] for row in range(%d)]
found = sampler.sample(ModelRef("small"), prompts, 2, 0)
print(json.dumps([[one.text for one in samples] for samples in found]))
"""


class Slow:
    """Answers after a while, and tells when so many requests have come."""

    def __init__(self, seconds: float, announced: int) -> None:
        self.seconds, self.announced = seconds, announced
        self.model, self.came = Model(), threading.Event()
        self.count = 0

    async def __call__(self, request: Request) -> Reply:
        self.count += 1
        if self.count >= self.announced:
            self.came.set()
        await asyncio.sleep(self.seconds)
        return await self.model(request)


def start(server: Server, store: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT % PROMPTS, server.url, str(store)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def asked(server: Server) -> Counter[tuple[str, int]]:
    """How often each sample of each prompt was requested."""
    return Counter(
        (request.body["messages"][-1]["content"], request.body["seed"])
        for request in server.requests
    )


def test_two_processes_at_once_request_each_sample_once(tmp_path: Path) -> None:
    with Server(Slow(0.05, 1)) as server:
        processes = [start(server, tmp_path / "shared.sqlite") for _ in range(2)]
        texts = [json.loads(process.communicate(timeout=120)[0]) for process in processes]

    assert texts[0] == texts[1]
    assert len(asked(server)) == 2 * PROMPTS
    assert set(asked(server).values()) == {1}


def test_a_killed_process_leaves_no_lease(tmp_path: Path) -> None:
    slow = Slow(0.2, 20)
    with Server(slow) as server:
        killed = start(server, tmp_path / "shared.sqlite")
        assert slow.came.wait(60)
        other = start(server, tmp_path / "shared.sqlite")
        time.sleep(0.1)
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        began = time.monotonic()
        texts = json.loads(other.communicate(timeout=120)[0])
        took = time.monotonic() - began

    assert len(texts) == PROMPTS and all(len(set(pair)) == 2 for pair in texts)
    assert took < leases.LEASE_SECONDS / 2
    # Only what was under way when the process was killed, 8 side by side, may be asked twice.
    twice = [sample for sample, times in asked(server).items() if times > 1]
    assert len(asked(server)) == 2 * PROMPTS and len(twice) <= 8
    assert max(asked(server).values()) <= 2


# -------------------------------------------------------------------------------------- leases


def test_a_lease_is_held_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / "shared.sqlite"
    with closing(ResponseCache(path)) as one, closing(ResponseCache(path)) as other:
        assert one.claim("a", (0, 1)) == ({}, (0, 1))
        assert other.claim("a", (0, 1, 2)) == ({}, (2,))
        one.put("a", "small", {0: Generation("first", 1)})
        one.leases.release("a", (0, 1))
        assert other.claim("a", (0, 1, 2)) == ({0: Generation("first", 1)}, (1, 2))


def test_closing_a_cache_ends_its_leases(tmp_path: Path) -> None:
    path = tmp_path / "shared.sqlite"
    one = ResponseCache(path)
    one.claim("a", (0,))
    one.close()

    with closing(ResponseCache(path)) as other:
        assert other.claim("a", (0,)) == ({}, (0,))


def test_a_lease_on_another_machine_ends_when_it_is_not_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shared.sqlite"
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.6)
    monkeypatch.setattr(leases, "RENEWAL_SECONDS", 0.1)
    with closing(ResponseCache(path)) as one, closing(ResponseCache(path)) as other:
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(leases, "_machine", lambda: "another")
            one.claim("a", (0,))

        async def renewed() -> None:
            keeping = asyncio.create_task(one.leases.keep_renewing())
            await asyncio.sleep(1.0)
            assert other.claim("a", (0,)) == ({}, ())
            keeping.cancel()

        asyncio.run(renewed())
        time.sleep(0.8)
        assert other.claim("a", (0,)) == ({}, (0,))


# --------------------------------------------------------------------- file systems without locks


@pytest.fixture(params=["ENOLCK", "EOPNOTSUPP"])
def no_locks(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A library that makes every lock fail as on a file system without locks."""
    return no_locks_library(tmp_path, request.param)


@pytest.mark.parametrize(
    "what",
    [
        "saysel.samplers.remote.response_cache import ResponseCache; "
        "ResponseCache(place / 'shared.sqlite')",
        "saysel.runs.run import locked; locked(place / 'run').__enter__()",
    ],
    ids=["database", "run"],
)
def test_a_file_system_without_locks_is_reported_in_one_line(
    what: str, no_locks: str, tmp_path: Path
) -> None:
    code = (
        "import sys, pathlib\nfrom saysel.errors import StageError\n"
        "place = pathlib.Path(sys.argv[1])\n"
        f"try:\n from {what}\nexcept StageError as error: print(error)\n"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={"LD_PRELOAD": no_locks, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        cwd=ROOT,
    )

    (line,) = done.stdout.splitlines() or [done.stderr]
    assert "its file system has no file locks" in line and "such as a local one" in line
    assert time.monotonic() - began < 50  # SQLite waits a minute for a lock


def test_a_damaged_file_is_not_mistaken_for_a_missing_lock(tmp_path: Path) -> None:
    (tmp_path / "shared.sqlite").write_bytes(b"no database " * 99)

    with pytest.raises(StageError, match="cannot be used"):
        ResponseCache(tmp_path / "shared.sqlite")
