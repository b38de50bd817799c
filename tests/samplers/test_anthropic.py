from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from saysel import testing
from saysel.costs.ledger import Ledger
from saysel.errors import StageError, UsageError
from saysel.interfaces import Prompt
from saysel.records import ModelRef
from saysel.samplers.anthropic import AnthropicSampler
from saysel.samplers.remote import requester
from tests.support.api_server import Faults, Model, Reply, Request, Server, always

MODEL = ModelRef("claude-small")
KEY = "sk-ant-planted-0123456789"
CHAT: Prompt = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Why?"},
]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setattr(requester, "FIRST_PAUSE_SECONDS", 0.01)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Model()) as running:
        yield running


def sampler(server: Server, **options: object) -> AnthropicSampler:
    return AnthropicSampler(
        base_url=server.url.removesuffix("/v1"), **{"key_from": "ANTHROPIC_API_KEY", **options}
    )


def test_every_sample_is_a_request(server: Server, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "sample-1")
    with ledger.opened():
        (found,) = sampler(server, max_tokens=9).sample(MODEL, [CHAT], 3, 0)

    assert len({one.text for one in found}) == 3
    assert all(one.text.startswith("Why? #") and one.tokens == 5 for one in found)
    assert len(server.requests) == ledger.totals()["requests"] == 3
    body = server.requests[0].body
    assert (body["system"], body["max_tokens"]) == ("Be brief.", 9)
    assert [turn["role"] for turn in body["messages"]] == ["user"]
    assert any(KEY in value for value in server.requests[0].headers.values())


def test_tokens_of_a_prompt_cache_are_input(tmp_path: Path) -> None:
    model = Model()

    async def caching(request: Request) -> Reply:
        content = json.loads((await model(request)).body)
        cached = {"cache_creation_input_tokens": 300, "cache_read_input_tokens": 2000}
        content["usage"] |= cached
        return Reply(body=json.dumps(content).encode())

    ledger = Ledger(tmp_path, "sample-1")
    with Server(caching) as server, ledger.opened():
        list(sampler(server).sample(MODEL, [CHAT], 1, 0))

    assert ledger.totals()["input_tokens"] == 2310


def test_it_keeps_its_contract(server: Server) -> None:
    testing.check_sampler(sampler(server), MODEL)


@pytest.mark.parametrize("kind", ["429", "500", "reset", "truncated"])
def test_faults_are_survived(kind: str) -> None:
    with Server(Model()) as upstream, Server(Faults(upstream.url, 0.4, (kind,))) as server:
        # 8 retries would fail once in 50 runs of these tests: four in ten requests are spoiled.
        found = list(sampler(server, retries=40).sample(MODEL, [CHAT], 20, 0))

    assert len({one.text for one in found[0]}) == 20


def test_a_401_stops_at_once_with_one_line_without_the_key() -> None:
    with (
        Server(always(401, f"invalid x-api-key {KEY}")) as server,
        pytest.raises(StageError, match="refuses the key in ANTHROPIC_API_KEY") as caught,
    ):
        list(sampler(server, concurrency=1).sample(MODEL, [CHAT], 20, 0))

    assert len(server.requests) == 1
    assert "\n" not in str(caught.value) and KEY not in str(caught.value)


def test_a_missing_key_is_reported_before_any_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")

    with pytest.raises(UsageError, match="ANTHROPIC_API_KEY holds no key"):
        AnthropicSampler().check_available()
