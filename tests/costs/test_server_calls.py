"""Workers send the calls of samplers that ask servers to the first process, so limits hold."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import pytest

from saysel.costs.ledger import Ledger
from saysel.costs.server_calls import (
    ServerCall,
    ServerReply,
    limits_shared_by,
    server_calls_go_to,
)
from saysel.errors import ContractError, StageError
from saysel.interfaces import Prompt, Sampler
from saysel.records import Generation, Message, ModelRef
from saysel.samplers.openai import OpenAISampler
from tests.support.api_server import Concurrent, Model, Server, always
from tests.support.third_party_samplers import UnrecordedSampler

MODEL = ModelRef("m")
PRICES = "m: [100000, 100000]\n"  # a dollar for ten tokens


def questions(*numbers: int) -> list[Prompt]:
    return [[Message(role="user", content=f"question {number}")] for number in numbers]


def sent(call: ServerCall) -> ServerReply:
    """What a call gives that is made in another process."""
    copy: ServerCall = pickle.loads(pickle.dumps(call))
    reply: ServerReply = pickle.loads(pickle.dumps(copy.make()))
    return reply


def by_workers(
    sampler: Sampler, ledger: Ledger, parts: Sequence[Sequence[int]]
) -> list[list[list[Generation]]]:
    """What each of several workers gets that ask at the same time."""

    def work(numbers: Sequence[int]) -> list[list[Generation]]:
        with ledger.opened(), server_calls_go_to(sent):
            return list(sampler.sample(MODEL, questions(*numbers), 1, 0))

    with ThreadPoolExecutor(len(parts)) as pool:
        futures = [pool.submit(copy_context().run, work, part) for part in parts]
        return [future.result() for future in futures]


def test_the_limits_of_all_workers_are_those_of_one(tmp_path: Path) -> None:
    with Server(concurrent := Concurrent()) as server:
        sampler = OpenAISampler(base_url=server.url, concurrency=2)
        found = by_workers(sampler, Ledger(tmp_path), [(0, 1, 2, 3), (2, 3, 4, 5), (4, 5, 6, 7)])

    assert concurrent.most == 2
    asked = Counter(request.body["messages"][-1]["content"] for request in server.requests)
    assert asked == {f"question {number}": 1 for number in range(8)}
    assert found[0][2:] == found[1][:2] and found[1][2:] == found[2][:2]
    assert Ledger(tmp_path).totals()["requests"] == 8


def test_processes_that_ask_themselves_have_equal_parts_of_the_limits() -> None:
    with Server(concurrent := Concurrent()) as server:
        sampler = OpenAISampler(base_url=server.url, concurrency=5)
        with limits_shared_by(2):
            assert len(list(sampler.sample(MODEL, questions(*range(8)), 1, 0))) == 8
        assert concurrent.most == 2
        with limits_shared_by(8):
            assert len(list(sampler.sample(MODEL, questions(8), 1, 0))) == 1


def test_max_cost_holds_for_all_workers(tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text(PRICES)
    ledger = Ledger(tmp_path, "sample-1", max_cost=9, prices=str(prices))
    with Server(Model()) as server:
        sampler = OpenAISampler(base_url=server.url, max_tokens=5)
        with pytest.raises(StageError, match="max_cost"):
            by_workers(sampler, ledger, [(0, 1), (2, 3), (4, 5), (6, 7)])

    assert 0 < ledger.totals()["cost"] <= 9


def test_a_worker_writes_nothing_and_needs_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first process has done is not done again by the sender."""
    monkeypatch.setenv("SECRET", "of the first process")

    def with_key(call: ServerCall) -> ServerReply:
        assert call.ledger.directory == tmp_path / "elsewhere"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SECRET", "of the first process")
            return sent(ServerCall(call.sampler, call.method, call.arguments, {}, Ledger(tmp_path)))

    with Server(Model()) as server:
        sampler = OpenAISampler(base_url=server.url, key_from="SECRET")
        monkeypatch.delenv("SECRET")
        ledger = Ledger(tmp_path / "elsewhere")
        with ledger.opened(), server_calls_go_to(with_key):
            assert len(list(sampler.sample(MODEL, questions(1), 2, 0))) == 1

    assert not (tmp_path / "elsewhere").exists()
    assert server.requests[0].headers["authorization"] == "Bearer of the first process"


def test_refusals_and_errors_arrive_at_the_worker(tmp_path: Path) -> None:
    refusals: list[str] = []
    with Server(always(400, "content filter")) as server:
        sampler = OpenAISampler(base_url=server.url)
        with Ledger(tmp_path).opened(), server_calls_go_to(sent):
            tolerant = sampler.tolerate_refusals(refusals)
            assert list(tolerant.sample(MODEL, questions(1), 1, 0)) == [[Generation("", 0)]]
            with pytest.raises(StageError, match="content filter"):
                list(sampler.sample(MODEL, questions(1), 1, 0))

    assert len(refusals) == 1 and "content filter" in refusals[0]


def test_a_sampler_of_a_plugin_is_asked_in_the_first_process_too(tmp_path: Path) -> None:
    log = tmp_path / "log"
    sampler = UnrecordedSampler(use="unrecorded", log=str(log))
    calls: list[str] = []

    def noted(call: ServerCall) -> ServerReply:
        calls.append(call.method)
        return sent(call)

    with server_calls_go_to(noted):
        assert len(list(sampler.sample(MODEL, questions(1, 2), n=3, seed=0))) == 2
        with (
            Ledger(tmp_path, "s", max_cost=1).opened(),
            pytest.raises(ContractError, match="has not recorded its requests"),
        ):
            list(sampler.sample(MODEL, questions(1), 3, 0))

    assert calls == ["sample", "sample"]
    assert log.read_text() == "called\n" * 3


class LocalSampler(Sampler):
    """Loads a model where it is asked."""

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        for _ in prompts:
            yield [Generation("yes", 1)] * n


def test_a_model_on_the_worker_is_asked_there() -> None:
    def refuse(call: ServerCall) -> ServerReply:
        raise AssertionError(call)

    with server_calls_go_to(refuse):
        assert len(list(LocalSampler().sample(MODEL, questions(1), 1, 0))) == 1
