from __future__ import annotations

import asyncio
import itertools
import json
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from saysel import testing
from saysel.costs.ledger import Ledger
from saysel.errors import StageError, UsageError
from saysel.interfaces import Prompt
from saysel.records import Generation, ModelRef, TokenChoice
from saysel.samplers.openai import OpenAISampler
from saysel.samplers.remote import requester
from saysel.samplers.remote.token_choices import read_choices
from tests.support.api_server import FAULTS, Faults, Model, Reply, Request, Server, always

MODEL = ModelRef("small")
KEY = "sk-planted-0123456789"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setattr(requester, "FIRST_PAUSE_SECONDS", 0.01)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Model()) as running:
        yield running


def chat(*contents: str) -> list[Prompt]:
    return [[{"role": "user", "content": content}] for content in contents]


def ask(
    server: Server, prompts: list[Prompt], n: int = 1, seed: int = 0, **options: Any
) -> list[list[Generation]]:
    sampler = OpenAISampler(base_url=server.url, **options)
    return list(sampler.sample(MODEL, prompts, n, seed))


def questions(count: int) -> list[Prompt]:
    return chat(*(f"question {number}" for number in range(count)))


def check(found: list[list[Generation]], prompts: list[Prompt], n: int) -> None:
    """Every prompt has n samples, and all samples are different."""
    texts = [one.text for samples in found for one in samples]
    assert [len(samples) for samples in found] == [n] * len(prompts)
    assert len(set(texts)) == len(texts)
    for prompt, samples in zip(prompts, found, strict=True):
        assert all(one.text.startswith(f"{prompt[-1]['content']} #") for one in samples)


def test_n_samples_take_one_request(server: Server) -> None:
    found = ask(server, questions(3), n=4, temperature=0.5, max_tokens=7, extra={"top_k": 3})

    check(found, questions(3), 4)
    assert len(server.requests) == 3
    body = server.requests[0].body
    assert (body["n"], body["temperature"], body["max_tokens"]) == (4, 0.5, 7)
    assert (body["model"], body["top_k"]) == ("small", 3)
    assert {one.tokens for samples in found for one in samples} == {5}


def test_missing_samples_are_requested_again() -> None:
    with Server(Model(obeys=False)) as server:
        found = ask(server, questions(3), n=5)

    check(found, questions(3), 5)
    assert len(server.requests) == 15
    seeds = Counter(request.body["seed"] for request in server.requests)
    assert seeds == dict.fromkeys(range(5), 3)  # or it might say the same again


def test_the_completions_endpoint_gets_text(server: Server) -> None:
    prompt: Prompt = [{"role": "system", "content": "Be brief."}, *chat("Why?")[0]]
    (found,) = ask(server, [prompt], n=2, endpoint="completions")

    assert server.requests[0].path == "/v1/completions"
    assert server.requests[0].body["prompt"] == "Be brief.\n\nWhy?\n\n"
    assert [one.text.split("#")[0] for one in found] == ["Be brief.\n\nWhy?\n\n "] * 2


def test_logprobs_are_requested_only_if_wanted(server: Server) -> None:
    ((plain,),) = ask(server, chat("a"))
    ((scored,),) = ask(server, chat("b"), with_logprobs=True)
    ((continued,),) = ask(server, chat("c"), with_logprobs=True, endpoint="completions")

    assert "logprobs" not in server.requests[0].body
    assert (plain.logprob, scored.logprob, scored.tokens) == (None, -1.5, 3)
    assert (continued.logprob, continued.tokens) == (-0.75, 2)


@pytest.mark.parametrize("endpoint", ["chat", "completions"])
def test_the_most_likely_tokens_are_requested_and_stored(
    endpoint: str, server: Server, tmp_path: Path
) -> None:
    options = {"endpoint": endpoint, "top_logprobs": 5, "store": str(tmp_path / "store.sqlite")}
    ((found,),) = ask(server, chat("a"), **options)
    ((stored,),) = ask(server, chat("a"), **options)

    (request,) = server.requests
    assert request.body["logprobs"] == (True if endpoint == "chat" else 5)
    assert request.body.get("top_logprobs") == (5 if endpoint == "chat" else None)
    assert found.choices is not None and len(found.choices) == 2
    assert found.choices[0][0] == TokenChoice(found.text[:3], -0.5)
    assert found.choices[1][-1] == TokenChoice("other", -1.5)
    assert stored == found
    assert OpenAISampler(top_logprobs=5).gives_choices()
    assert not OpenAISampler(with_logprobs=True).gives_choices()


@pytest.mark.parametrize(
    "given",
    [
        {"content": [{"token": "a", "logprob": -1}]},
        {"content": [{"token": "a", "logprob": "-1", "top_logprobs": []}]},
        {"content": [{"token": None, "logprob": -1, "top_logprobs": []}]},
        {"content": [{"token": "a", "logprob": -1, "top_logprobs": ["b"]}]},
        {"content": None},
        {},
    ],
)
def test_incomplete_choices_are_none(given: dict[str, Any]) -> None:
    assert read_choices(given, chat=True) is None
    assert read_choices(given, chat=False) is None


def test_it_keeps_its_contract(server: Server) -> None:
    testing.check_sampler(OpenAISampler(base_url=server.url), MODEL)


def test_the_samplers_model_takes_precedence_over_the_recipes(server: Server) -> None:
    ask(server, chat("a"), model="judge")

    assert server.requests[0].body["model"] == "judge"


def test_an_adapter_is_refused_before_any_request(server: Server) -> None:
    sampler = OpenAISampler(base_url=server.url)

    with pytest.raises(UsageError, match="does not have the adapter here"):
        list(sampler.sample(ModelRef("small", adapter="here"), chat("a"), 1, 0))
    assert server.requests == []


def test_concurrency_is_limited() -> None:
    model, under_way, most = Model(), 0, 0

    async def slow(request: Any) -> Any:
        nonlocal under_way, most
        import asyncio

        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.01)
        under_way -= 1
        return await model(request)

    with Server(slow) as server:
        ask(server, questions(30), concurrency=4)

    assert most == 4


def test_results_come_in_order_as_they_finish(server: Server) -> None:
    sampler = OpenAISampler(base_url=server.url, concurrency=1)
    samples = sampler.sample(MODEL, questions(50), 1, 0)

    first = next(samples)
    samples.close()  # what is left is not asked for

    assert first[0].text.startswith("question 0 #")
    assert len(server.requests) < 50


# ------------------------------------------------------------------------------------- trouble


def test_a_401_stops_at_once_with_one_line_without_the_key() -> None:
    with (
        Server(always(401, f"Incorrect API key provided: {KEY}")) as server,
        pytest.raises(StageError, match=r"refuses the key in OPENAI_API_KEY") as caught,
    ):
        ask(server, questions(100), concurrency=2, key_from="OPENAI_API_KEY")

    assert len(server.requests) <= 2
    assert "\n" not in str(caught.value) and KEY not in str(caught.value)


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_rejected_request_is_not_retried(status: int) -> None:
    with (
        Server(always(status, f"no such thing, {KEY}")) as server,
        pytest.raises(StageError, match=rf"status {status}\): .*no such thing") as caught,
    ):
        ask(server, chat("a"))

    assert len(server.requests) == 1
    assert "\n" not in str(caught.value) and KEY not in str(caught.value)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_temporary_failures_are_retried_and_then_reported(status: int) -> None:
    later = always(status, f"busy {KEY}", **{"retry-after-ms": "1"})
    with (
        Server(later) as server,
        pytest.raises(StageError, match=rf"status {status}: .*busy.*up to 4 times") as caught,
    ):
        ask(server, chat("a"), retries=3)

    assert len(server.requests) == 4
    assert KEY not in str(caught.value)


def test_retry_after_is_obeyed() -> None:
    model, times = Model(), []

    async def once_busy(request: Any) -> Any:
        times.append(time.monotonic())
        if len(times) == 1:
            return await always(429, "later", **{"retry-after": "1.5"})(request)
        return await model(request)

    with Server(once_busy) as server:
        ask(server, chat("a"))

    assert times[1] - times[0] >= 1.5  # longer than the SDK waits by itself


@pytest.mark.parametrize("date", [False, True])
def test_retry_after_is_seconds_or_a_date(date: bool) -> None:
    model, times = Model(), []

    async def once_busy(request: Any) -> Any:
        times.append(time.monotonic())
        if len(times) == 1:
            later = formatdate(time.time() + 3, usegmt=True) if date else "2"
            return await always(503, "later", **{"retry-after": later})(request)
        return await model(request)

    with Server(once_busy) as server:
        check(ask(server, chat("a")), chat("a"), 1)

    assert 1.9 <= times[1] - times[0] < 20


def test_a_wait_that_is_too_long_is_reported() -> None:
    hours = always(429, "not today", **{"retry-after": "7200"})
    with (
        Server(hours) as server,
        pytest.raises(StageError, match=r"not today.*asks for a wait of 7200 seconds"),
    ):
        ask(server, chat("a"))


def test_one_missing_sample_does_not_end_requests_for_several() -> None:
    model, requests = Model(), itertools.count()

    async def short_once(request: Any) -> Any:
        reply = await model(request)
        if next(requests):
            return reply
        content = json.loads(reply.body)
        content["choices"] = content["choices"][:1]
        return Reply(body=json.dumps(content).encode())

    with Server(short_once) as server:
        check(ask(server, questions(10), n=20), questions(10), 20)

    assert len(server.requests) == 11


def test_a_refused_prompt_does_not_end_the_others_if_refusals_are_tolerated(
    tmp_path: Path,
) -> None:
    model = Model()

    async def prim(request: Any) -> Any:
        if request.body["messages"][-1]["content"] == "question 2":
            return await always(400, "content filter")(request)
        return await model(request)

    refusals: list[str] = []
    with Server(prim) as server:
        sampler = OpenAISampler(base_url=server.url)
        with pytest.raises(StageError, match="content filter"):
            list(sampler.sample(MODEL, questions(4), 2, 0))
        server.requests.clear()
        with Ledger(tmp_path).opened():
            found = list(sampler.tolerate_refusals(refusals).sample(MODEL, questions(4), 2, 0))
            again = list(sampler.tolerate_refusals([]).sample(MODEL, questions(4), 2, 0))

    assert found[2] == [Generation("", 0)] * 2
    assert all(one.text for row in (0, 1, 3) for one in found[row])
    assert len(refusals) == 1 and "content filter" in refusals[0]
    assert again == found  # what was refused is not kept, and is asked again
    asked = Counter(request.body["messages"][-1]["content"] for request in server.requests)
    assert asked.pop("question 2") in (2, 3, 4)  # for both samples at once, and for one
    assert asked == {"question 0": 1, "question 1": 1, "question 3": 1}


def test_responses_in_flight_are_kept_when_one_prompt_is_refused(tmp_path: Path) -> None:
    model = Model()

    async def slow_except_for_refusals(request: Any) -> Any:
        if request.body["messages"][-1]["content"] == "question 2":
            return await always(400, "content filter")(request)
        await asyncio.sleep(0.5)
        return await model(request)

    with Server(slow_except_for_refusals) as server, Ledger(tmp_path).opened():
        sampler = OpenAISampler(base_url=server.url, concurrency=4)
        for _ in range(2):
            with pytest.raises(StageError, match=r"content filter.*the prompt was 'question 2…'"):
                list(sampler.sample(MODEL, questions(20), 2, 0))
        asked = Counter(request.body["messages"][-1]["content"] for request in server.requests)
        list(sampler.tolerate_refusals([]).sample(MODEL, questions(20), 2, 0))

    # Four requests were in flight when one was refused, and none was sent after it.
    assert asked.pop("question 2") in (2, 3, 4)  # for both samples at once, and for one
    assert set(asked.values()) == {1} and 3 <= len(asked) <= 6
    asked = Counter(request.body["messages"][-1]["content"] for request in server.requests)
    assert all(times == 1 for text, times in asked.items() if text != "question 2")


def test_a_failure_does_not_wait_for_retries(tmp_path: Path) -> None:
    """A retry that has not been sent is not a request in flight."""

    async def busy_except_for_refusals(request: Any) -> Any:
        if request.body["messages"][-1]["content"] == "question 2":
            await asyncio.sleep(0.3)
            return await always(401, "no such key")(request)
        await asyncio.sleep(0.5)
        return await always(429, "busy", **{"retry-after": "120"})(request)

    began = time.monotonic()
    with (
        Server(busy_except_for_refusals) as server,
        Ledger(tmp_path).opened(),
        pytest.raises(StageError, match="refuses the key"),
    ):
        sampler = OpenAISampler(
            base_url=server.url, concurrency=4, timeout=30, key_from="OPENAI_API_KEY"
        )
        list(sampler.sample(MODEL, questions(4), 2, 0))

    assert time.monotonic() - began < 60  # a second try would come after 120 seconds


def test_rate_limits_span_calls(server: Server) -> None:
    began = time.monotonic()
    for number in range(4):
        ask(server, chat(f"call {number}"), requests_per_minute=200)

    assert time.monotonic() - began >= 3 * 60 / 200


def test_an_unreachable_server_is_reported_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    sampler = OpenAISampler(base_url=url, retries=0)

    with pytest.raises(
        StageError, match=rf"{url}: cannot be reached \(Connection refused\)"
    ) as caught:
        list(sampler.sample(MODEL, chat("a"), 1, 0))
    assert "\n" not in str(caught.value)


def test_a_server_that_hangs_is_reported_in_one_line() -> None:
    with (
        Server(Faults("", 1, ("hang",))) as server,
        pytest.raises(StageError, match=r"no complete response within 0\.1 seconds, 2 times"),
    ):
        ask(server, chat("a"), retries=1, timeout=0.1)


@pytest.mark.parametrize("kind", ["truncated", "no choices"])
def test_an_unusable_response_is_retried_and_then_reported(kind: str) -> None:
    with (
        Server(Model()) as upstream,
        Server(Faults(upstream.url, 1, (kind,))) as server,
        pytest.raises(StageError, match=r"no usable answer, 3 times"),
    ):
        ask(server, chat("a"), retries=2)

    assert len(server.requests) == 3


def test_an_incomplete_message_is_unusable() -> None:
    async def half(request: Any) -> Any:
        return Reply(body=b'{"choices": [{"index": 0}]}')

    with Server(half) as server, pytest.raises(StageError, match=r"no usable answer, 2 times"):
        ask(server, chat("a"), retries=1)


def test_long_replies_with_the_most_likely_tokens_are_not_too_large() -> None:
    token = {"token": " the", "logprob": -1.25, "bytes": [32, 116, 104, 101]}
    place = {**token, "top_logprobs": [token] * 20}
    choice = {"message": {"content": "the " * 256}, "logprobs": {"content": [place] * 256}}

    async def long(request: Request) -> Reply:
        content = {"choices": [choice] * request.body["n"]}
        return Reply(body=json.dumps(content, indent=2).encode())  # as OpenAI writes it

    with Server(long) as server:
        (found,) = ask(server, chat("a"), n=8, top_logprobs=20, retries=0)

    assert [len(one.choices or ()) for one in found] == [256] * 8


@pytest.mark.parametrize("kind", FAULTS)
def test_every_fault_is_survived(kind: str) -> None:
    prompts = questions(20)
    with Server(Model()) as upstream:
        faults = Faults(upstream.url, 0.3, (kind,))
        with Server(faults) as server:
            found = ask(server, prompts, n=3, timeout=0.5, retries=40)

    check(found, prompts, 3)
    assert faults.made[kind] > 3


def test_a_missing_key_is_reported_before_any_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")

    with pytest.raises(UsageError, match="the environment variable OPENAI_API_KEY holds no key"):
        OpenAISampler().check_available()
    OpenAISampler(base_url="http://127.0.0.1:1/v1").check_available()  # one's own server needs none


@pytest.mark.parametrize(
    "url",
    [
        *("api.example.org", "https://me:secret@host/v1", "https://host/v1?key=secret"),
        *("ftp://host/v1", "http:///v1", "http://host:99999/v1", "http://host:port/v1"),
        *("http://[::1/v1", "http://two words/v1", "http://host/\x00", "http://host\n/v1"),
    ],
)
def test_an_invalid_url_or_one_with_a_key_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must "):
        OpenAISampler(base_url=url)


def test_rate_limits_count_every_attempt() -> None:
    import time

    with Server(Model()) as upstream:
        faults = Faults(upstream.url, 0.5, ("a choice missing",), seed=1)
        with Server(faults) as server:
            began = time.monotonic()
            ask(server, questions(20), requests_per_minute=60 * 50)
            took = time.monotonic() - began

    assert took >= (len(server.requests) - 1) / 50


# --------------------------------------------------------------------------- asked only once


def test_stored_samples_are_not_requested_again(server: Server, tmp_path: Path) -> None:
    with Ledger(tmp_path, "sample-1").opened():
        first = ask(server, questions(5), n=2)
        again = ask(server, questions(5), n=2)
        more = ask(server, questions(6), n=3)

    assert again == first
    assert [samples[:2] for samples in more[:5]] == first
    assert len(server.requests) == 5 + 6
    assert Counter(request.body.get("n", 1) for request in server.requests) == {2: 5, 1: 5, 3: 1}


@pytest.mark.parametrize(
    "change",
    [
        *({"temperature": 0.9}, {"max_tokens": 9}, {"top_p": 0.5}, {"seed": 1}),
        *({"extra": {"top_k": 2}}, {"endpoint": "completions"}, {"with_logprobs": True}),
        {"model": "other"},
    ],
    ids=str,
)
def test_options_that_decide_the_answer_send_new_requests(
    change: dict[str, Any], server: Server, tmp_path: Path
) -> None:
    with Ledger(tmp_path).opened():
        first = ask(server, questions(1), n=2)
        second = ask(server, questions(1), n=2, **change)

    assert len(server.requests) == 2
    assert not {one.text for one in first[0]} & {one.text for one in second[0]}


def test_options_that_change_only_speed_send_no_new_requests(
    server: Server, tmp_path: Path
) -> None:
    with Ledger(tmp_path).opened():
        ask(server, questions(1))
        ask(server, questions(1), concurrency=2, timeout=9, retries=1, requests_per_minute=9999)

    assert len(server.requests) == 1


def test_equal_prompts_are_requested_once(server: Server) -> None:
    found = ask(server, chat("a", "b", "a"), n=2)

    assert found[0] == found[2] != found[1]
    assert len(server.requests) == 2


def test_runs_can_share_a_store(server: Server, tmp_path: Path) -> None:
    for run in ("one", "two"):
        with Ledger(tmp_path / run, "sample-1").opened():
            ask(server, questions(3), store=str(tmp_path / "shared.sqlite"))

    assert len(server.requests) == 3
    assert Ledger(tmp_path / "one", "sample-1").totals()["requests"] == 3
    assert Ledger(tmp_path / "two", "sample-1").totals() == {}
    assert not (tmp_path / "one" / "responses.sqlite").exists()


# -------------------------------------------------------------------------------------- money


@pytest.fixture
def prices(tmp_path: Path) -> str:
    """A dollar for each answer of the small server with one choice."""
    (tmp_path / "prices.yaml").write_text("small: [50000, 100000]")
    return str(tmp_path / "prices.yaml")


def test_every_answer_is_recorded_with_its_cost(
    server: Server, tmp_path: Path, prices: str
) -> None:
    ledger = Ledger(tmp_path, "sample-1", prices=prices)
    with ledger.opened():
        ask(server, questions(3))

    assert ledger.totals() == {
        "requests": 3,
        "input_tokens": 30,
        "output_tokens": 15,
        "cost": 3.0,
        "finish_reasons": {"stop": 3},
    }


def test_reasoning_that_only_the_total_counts_is_recorded(tmp_path: Path, prices: str) -> None:
    model = Model()

    async def reasoner(request: Request) -> Reply:
        content = json.loads((await model(request)).body)
        content["usage"]["total_tokens"] += 40
        return Reply(body=json.dumps(content).encode())

    ledger = Ledger(tmp_path, "sample-1", prices=prices)
    with Server(reasoner) as server, ledger.opened():
        ask(server, questions(1))

    totals = ledger.totals()
    assert (totals["input_tokens"], totals["output_tokens"], totals["cost"]) == (10, 45, 5.0)


def test_unusable_responses_cost_too(tmp_path: Path, prices: str) -> None:
    model, requests = Model(), itertools.count()

    async def half(request: Any) -> Any:
        reply = await model(request)
        if next(requests) % 2:
            return reply
        content = json.loads(reply.body)
        del content["choices"][0]["message"]
        return Reply(body=json.dumps(content).encode())

    ledger = Ledger(tmp_path, "sample-1", prices=prices)
    with Server(half) as server, ledger.opened():
        ask(server, questions(3), concurrency=1)

    assert ledger.totals()["requests"] == len(server.requests) == 6
    assert ledger.totals()["cost"] == 6.0


def test_an_unknown_price_is_not_zero(server: Server, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "sample-1")
    with ledger.opened():
        ask(server, questions(3))

    assert ledger.totals()["cost"] is None
    with (
        Ledger(tmp_path, max_cost=1).opened(),
        pytest.raises(UsageError, match="the price of 'small' is not known"),
    ):
        ask(server, questions(4))
    assert len(server.requests) == 3


def test_max_cost_needs_a_limit_on_replies(server: Server, tmp_path: Path, prices: str) -> None:
    with (
        Ledger(tmp_path, "sample-1", max_cost=10, prices=prices).opened(),
        pytest.raises(UsageError, match="sent no limit on the tokens of a reply"),
    ):
        ask(server, questions(1), send_as={"max_tokens": None})

    assert not server.requests


@pytest.mark.parametrize(
    "extra",
    [
        *({"max_tokens": 5000}, {"max_completion_tokens": 5000}, {"n": 9}, {"best_of": 9}),
        *({"stream": True}, {"model": "large"}),
    ],
)
def test_extra_cannot_set_what_costs_depend_on(extra: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=f"must not set {next(iter(extra))}"):
        OpenAISampler(extra=extra)


@pytest.mark.parametrize("concurrency", [1, 16])
def test_the_limit_is_never_exceeded_and_the_rest_is_requested_after_it_is_raised(
    concurrency: int, server: Server, tmp_path: Path, prices: str
) -> None:
    options: dict[str, Any] = {"concurrency": concurrency, "max_tokens": 10}
    # At worst an answer costs 2.2 dollars: 24 input tokens at most, 10 output tokens.
    with (
        Ledger(tmp_path, "sample-1", max_cost=10, prices=prices).opened(),
        pytest.raises(StageError, match=re.escape("of 10 dollars are spent")),
    ):
        ask(server, questions(20), **options)
    spent = Ledger(tmp_path, "sample-1").totals()["cost"]
    assert 7 < spent <= 10

    with Ledger(tmp_path, "sample-1", max_cost=100, prices=prices).opened():
        check(ask(server, questions(20), **options), questions(20), 1)
    assert len(server.requests) == 20
    assert Ledger(tmp_path, "sample-1").totals()["cost"] == 20
