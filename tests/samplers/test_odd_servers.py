"""Servers that answer in other ways than OpenAI's: what is kept, what is counted, what is said."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from saysel.costs.ledger import Ledger, warnings
from saysel.errors import StageError
from saysel.interfaces import Prompt
from saysel.records import Generation, ModelRef
from saysel.samplers.anthropic import AnthropicSampler
from saysel.samplers.openai import OpenAISampler
from saysel.samplers.remote import requester
from tests.support.api_server import Answer, Model, Reply, Request, Server, always

MODEL = ModelRef("small")
LONG = "9" * 5000


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requester, "FIRST_PAUSE_SECONDS", 0.01)


@pytest.fixture
def prices(tmp_path: Path) -> str:
    (tmp_path / "prices.yaml").write_text("small: [0, 100000]")  # 0.1 dollars a token written
    return str(tmp_path / "prices.yaml")


def chat(*contents: str) -> list[Prompt]:
    return [[{"role": "user", "content": content}] for content in contents]


def ask(url: str, prompts: list[Prompt], n: int = 1, **options: Any) -> list[list[Generation]]:
    return list(OpenAISampler(base_url=url, **options).sample(MODEL, prompts, n, 0))


def says(body: str, status: int = 200) -> Answer:
    """A server that returns the same bytes to everything."""

    async def answer(request: Request) -> Reply:
        return Reply(status, body.encode())

    return answer


def choice(message: dict[str, Any], reason: str | None = "stop") -> str:
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}
    return json.dumps({**whole, "usage": {"prompt_tokens": 3, "completion_tokens": 2}})


# --------------------------------------------------------------------------------------- usage

ODD_USAGE = [
    *("null", "{}", "[]", "7", '"many"', "true"),
    *(
        '{"prompt_tokens": 3}',
        '{"completion_tokens": 3}',
        '{"input_tokens": 3, "output_tokens": 2}',
    ),
    *(
        f'{{"prompt_tokens": {read}, "completion_tokens": {written}}}'
        for read, written in [
            *(("null", "null"), ("3", "null"), ("-5", "2"), ("3", "-1000000000")),
            *(("0", "0"), ("1e999", "2"), ("3", "1e999"), ("NaN", "2"), ("3", '"2"'), ("2.5", "2")),
            *((LONG, "2"), ("3", LONG), ("true", "2"), ("3", "1e30"), ("[3]", "2")),
        ]
    ),
]


@pytest.mark.parametrize("usage", [None, *ODD_USAGE], ids=lambda usage: str(usage)[:60])
def test_implausible_usage_keeps_the_answer_and_counts_its_highest_cost(
    usage: str | None, tmp_path: Path, prices: str
) -> None:
    field = "" if usage is None else f', "usage": {usage}'
    body = f'{{"choices": [{{"message": {{"content": "Paris"}}, "finish_reason": "stop"}}]{field}}}'
    ledger = Ledger(tmp_path, "sample-1", max_cost=2.5, prices=prices)
    with Server(says(body)) as server, ledger.opened():
        # Each may cost a dollar: ten tokens at most.
        (found,) = ask(server.url, chat("a"), max_tokens=10)
        ask(server.url, chat("b"), max_tokens=10)
        with pytest.raises(StageError, match=r"max_cost: 2\.0000 of 2\.5 dollars are spent"):
            ask(server.url, chat("c"), max_tokens=10)
        again = ask(server.url, chat("a"), max_tokens=10)

    assert found == again[0] == [Generation("Paris", 0, None, "stop")]
    assert len(server.requests) == 2
    assert ledger.totals()["cost"] == 2.0


@pytest.mark.parametrize("usage", ["null", "{}", '{"input_tokens": -4, "output_tokens": 1e999}'])
def test_implausible_usage_of_anthropic(usage: str, tmp_path: Path, prices: str) -> None:
    body = (
        '{"type": "message", "content": [{"type": "text", "text": "Paris"}], '
        f'"stop_reason": "max_tokens", "usage": {usage}}}'
    )
    ledger = Ledger(tmp_path, "sample-1", max_cost=9, prices=prices)
    with Server(says(body)) as server, ledger.opened():
        sampler = AnthropicSampler(base_url=server.url.removesuffix("/v1"), max_tokens=10)
        found = list(sampler.sample(MODEL, chat("a"), 1, 0))

    assert found == [[Generation("Paris", 0, None, "length")]]
    assert ledger.totals()["cost"] == 1.0


def test_a_ledger_of_an_earlier_version_is_used_without_its_impossible_counts(
    tmp_path: Path, prices: str
) -> None:
    with sqlite3.connect(tmp_path / "ledger.sqlite") as old:
        old.execute(
            "CREATE TABLE requests (stage TEXT NOT NULL, time REAL NOT NULL, model TEXT NOT NULL, "
            "input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost REAL)"
        )
        old.execute("INSERT INTO requests VALUES ('sample-1', 0, 'small', 5, 5, 1.5)")
        old.execute("INSERT INTO requests VALUES ('sample-1', 0, 'small', -9, -9, -3200000)")
    ledger = Ledger(tmp_path, "sample-1", max_cost=2.0, prices=prices)
    with Server(Model()) as server, ledger.opened():
        ask(server.url, chat("a"), max_tokens=5)  # 0.5 dollars
        with pytest.raises(StageError, match=r"2\.0000 of 2 dollars are spent"):
            ask(server.url, chat("b"), max_tokens=5)

    assert ledger.totals()["cost"] is None  # of one request it is not known
    assert ledger.totals()["input_tokens"] == 15


# ------------------------------------------------------------------------------------- content


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": [{"type": "text", "text": "Par"}, {"type": "text", "text": "is"}]}, "Paris"),
        ({"content": ["Par", {"type": "output_text", "text": "is"}]}, "Paris"),
        (
            {"content": [{"type": "thinking", "thinking": "Rome?"}, {"type": "text", "text": "P"}]},
            "P",
        ),
        ({"content": [{"type": "image_url", "image_url": {}}]}, ""),
        ({"content": None, "reasoning_content": "Rome?"}, ""),
        ({"content": "Paris", "reasoning_content": "Rome?"}, "Paris"),
        ({"content": "", "reasoning": "Rome?"}, ""),
        ({"content": None, "refusal": "I cannot say."}, "I cannot say."),
        ({"content": None, "tool_calls": [{"id": "1"}]}, ""),
        ({}, ""),
    ],
    ids=str,
)
def test_the_text_of_a_message(message: dict[str, Any], text: str) -> None:
    with Server(says(choice(message))) as server:
        ((found,),) = ask(server.url, chat("a"))

    assert (found.text, found.finish_reason) == (text, "stop")


@pytest.mark.parametrize("message", ['"Paris"', "null", "[]", '{"content": 5}', '{"content": {}}'])
def test_a_malformed_message_is_unusable(message: str) -> None:
    body = f'{{"choices": [{{"message": {message}}}]}}'
    with (
        Server(says(body)) as server,
        pytest.raises(StageError, match=r"no usable answer, 2 times"),
    ):
        ask(server.url, chat("a"), retries=1)


@pytest.mark.parametrize(
    ("reported", "reason"),
    [
        *(("stop", "stop"), ("length", "length"), ("content_filter", "content_filter")),
        *(
            ("MAX_TOKENS", "length"),
            ("model_length", "length"),
            ("eos_token", "stop"),
            ("tool_use", "tool_calls"),
        ),
        *(("odd\x1b[31m" * 20, "odd[31m" * 5 + "odd[3"), ("", None), (None, None)),
    ],
)
def test_finish_reasons_are_those_of_openai(reported: str | None, reason: str | None) -> None:
    with Server(says(choice({"content": "Paris"}, reported))) as server:
        ((found,),) = ask(server.url, chat("a"))

    assert found.finish_reason == reason


# ------------------------------------------------------------------------------- empty answers


def test_empty_answers_are_counted_by_reason_and_requested_again(tmp_path: Path) -> None:
    model, empty = Model(), True

    async def sometimes_empty(request: Request) -> Reply:
        content = request.body["messages"][-1]["content"]
        reply = await model(request)
        if not empty or content == "fine":
            return reply
        whole = json.loads(reply.body)
        whole["choices"][0]["message"]["content"] = None
        whole["choices"][0]["finish_reason"] = content
        return Reply(body=json.dumps(whole).encode())

    prompts = chat("length", "content_filter", "tool_calls", "fine", "stop")
    ledger = Ledger(tmp_path, "sample-1")
    with Server(sometimes_empty) as server, ledger.opened():
        first = ask(server.url, prompts)
        totals = ledger.totals()
        empty = False
        second = ask(server.url, prompts)

    assert [samples[0].text == "" for samples in first] == [True, True, True, False, True]
    assert all(samples[0].text for samples in second) and second[3] == first[3]
    assert len(server.requests) == 5 + 4
    assert totals["finish_reasons"] == {
        "content_filter": 1,
        "length": 1,
        "stop": 2,
        "tool_calls": 1,
    }
    assert totals["empty_replies"] == {"content_filter": 1, "length": 1, "stop": 1, "tool_calls": 1}
    message = "\n".join(warnings(totals))
    assert "1 of 5 replies are empty (finish reason 'length'): raise max_tokens" in message
    assert "'content_filter'): the server withheld them" in message and "turn them off" in message


def test_truncated_replies_are_counted() -> None:
    totals = {"finish_reasons": {"length": 3, "stop": 7}, "empty_replies": {"length": 1}}

    assert warnings(totals)[-1] == "2 of 10 replies were truncated: raise max_tokens"
    assert warnings({"finish_reasons": {"stop": 7}}) == warnings({}) == []


def test_an_empty_answer_of_an_earlier_version_is_requested_again(tmp_path: Path) -> None:
    with Server(Model()) as server, Ledger(tmp_path).opened():
        ((first,),) = ask(server.url, chat("a"))
        with sqlite3.connect(tmp_path / "responses.sqlite") as old:
            old.execute("UPDATE responses SET text = ' \n'")
            old.execute("ALTER TABLE responses DROP COLUMN finish_reason")
        ((second,),) = ask(server.url, chat("a"))
        ((third,),) = ask(server.url, chat("a"))

    assert second.text.strip() and second != first and third == second
    assert len(server.requests) == 2


# ------------------------------------------------------------------------------ several choices


class OneAtATime(Model):
    """A server that refuses to give several choices, as llama.cpp does."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status

    async def __call__(self, request: Request) -> Reply:
        if request.body.get("n", 1) > 1:
            return await always(self.status, "Only one completion choice is allowed")(request)
        return await super().__call__(request)


@pytest.mark.parametrize("retries", [0, 8])
@pytest.mark.parametrize("status", [400, 422, 500, 501])
def test_a_server_that_refuses_several_choices_is_asked_one_by_one(
    status: int, retries: int
) -> None:
    with Server(OneAtATime(status)) as server:
        found = ask(server.url, chat("a", "b", "c"), n=4, concurrency=1, retries=retries)
        refused = sum("n" in request.body for request in server.requests)
        later = ask(server.url, chat("d", "e"), n=4, concurrency=1)

    texts = [one.text for samples in [*found, *later] for one in samples]
    assert len(set(texts)) == 20
    assert refused <= 2
    # That is remembered for the next call.
    assert sum("n" in request.body for request in server.requests) == refused
    assert len(server.requests) == 20 + refused


def test_a_refusal_for_another_reason_does_not_end_several_choices() -> None:
    model = Model()

    async def prim(request: Request) -> Reply:
        if request.body["messages"][-1]["content"] == "question 5":
            return await always(400, "content filter")(request)
        return await model(request)

    with Server(prim) as server:
        sampler = OpenAISampler(base_url=server.url, concurrency=1)
        prompts = chat(*(f"question {number}" for number in range(10)))
        found = list(sampler.tolerate_refusals([]).sample(MODEL, prompts, 4, 0))

    assert [bool(samples[0].text) for samples in found] == [row != 5 for row in range(10)]
    assert [request.body.get("n") for request in server.requests] == [4] * 10


def test_the_samples_per_request_can_be_limited() -> None:
    with Server(Model()) as server:
        ask(server.url, chat("a"), n=10, max_per_request=4)

    assert sorted(request.body.get("n", 1) for request in server.requests) == [2, 4, 4]


# ---------------------------------------------------------------------------------- parameters


def test_parameters_can_be_renamed_and_left_out() -> None:
    options = {"max_tokens": "max_completion_tokens", "seed": None, "temperature": None}
    with Server(Model()) as server:
        ask(server.url, chat("a"), max_tokens=7, send_as=options)

    body = server.requests[0].body
    assert body["max_completion_tokens"] == 7
    assert not {"max_tokens", "seed", "temperature"} & set(body)
    assert body["top_p"] == 1.0


def test_a_parameter_that_is_always_refused_is_not_blamed_on_the_question() -> None:
    with (
        Server(always(400, "Unsupported parameter: 'seed'")) as server,
        pytest.raises(StageError, match=r"Unsupported parameter: 'seed'.*send_as") as caught,
    ):
        ask(server.url, chat("a"), n=3)

    assert "leave that question out" not in str(caught.value)


# ---------------------------------------------------------------------- the server's own words


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "no such model", "type": "x"}}', "no such model"),
        ('{"error": "no such model"}', "no such model"),
        ('{"message": "no such model", "object": "error"}', "no such model"),
        ('{"detail": "Not Found"}', "Not Found"),
        (
            '{"detail": [{"loc": ["body", "seed"], "msg": "not an integer", "type": "x"}]}',
            "body.seed: not an integer",
        ),
        ('{"type": "error", "error": {"type": "x", "message": "too long"}}', "too long"),
        ('{"errors": [{"message": "one"}, {"message": "two"}]}', "one; two"),
        ("plain words", "plain words"),
        ("<!DOCTYPE html><html><head><title>502 &amp; so on</title></head></html>", "502 & so on"),
        ("<html><script>x = '<p>'</script><body><p>Not <b>here</b></p></body>", "Not here"),
        ("", "no reason given"),
        ('{"error": {"message": "red\\u001b[31m\\nline\\u202e"}}', "red [31m line"),
        ('{"detail": ' + "[" * 400 + "]" * 400 + "}", "[[["),
        ("[" * 100_000, "[[["),
    ],
    ids=lambda text: text[:40],
)
@pytest.mark.parametrize("status", [400, 404, 503])
def test_the_servers_message_is_shown(status: int, body: str, words: str) -> None:
    with (
        Server(says(body, status)) as server,
        pytest.raises(StageError, match=rf"status {status}") as caught,
    ):
        ask(server.url, chat("a"), retries=0)

    message = str(caught.value)
    assert words in message
    assert message.isprintable() and len(message) < 800


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "quota exceeded"}}', "quota exceeded"),
        ('{"error": {"message": "busy upstream", "code": 429}, "choices": null}', "busy upstream"),
        ('{"object": "error", "message": "out of memory"}', "out of memory"),
        ('{"choices": null, "note": "loading"}', "loading"),
        ('{"choices": []}', "holds no choice"),
        ('{"detail": "still loading"}', "still loading"),
        ("[]", "holds no choice"),
        ("7", "holds no choice"),
        ("it works!", "it works!"),
        ("[" * 100_000, "nested too deeply"),
    ],
    ids=lambda text: text[:40],
)
def test_errors_inside_a_success(body: str, words: str) -> None:
    with Server(says(body)) as server, pytest.raises(StageError) as caught:
        ask(server.url, chat("a"), retries=1)

    assert words in str(caught.value)
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "failed",
    [
        '{"finish_reason": "error", "message": {"content": ""}, "error": {"message": "broken"}}',
        '{"finish_reason": null, "message": {"content": "Par"}, "error": {"message": "broken"}}',
        '{"finish_reason": "error", "message": {"content": "broken"}}',
        '{"finish_reason": "insufficient_system_resource", "message": {"content": "broken"}}',
    ],
)
def test_a_choice_that_the_server_failed_to_write_is_requested_again(failed: str) -> None:
    choice = '{"finish_reason": "stop", "message": {"content": "Paris"}}'
    bodies = iter([f'{{"choices": [{failed}, {choice}]}}', f'{{"choices": [{choice}]}}'])

    async def failing_once(request: Request) -> Reply:
        return Reply(body=next(bodies).encode())

    with Server(failing_once) as server:
        found = ask(server.url, chat("a"), n=2)
    assert found == [[Generation("Paris", 0, None, "stop")] * 2]

    with (
        Server(says(f'{{"choices": [{failed}]}}')) as server,
        pytest.raises(StageError, match=r"no usable answer, 2 times.*broken"),
    ):
        ask(server.url, chat("a"), retries=1)


def test_an_error_inside_a_success_has_the_status_that_it_names() -> None:
    body = '{"error": {"message": "flagged", "code": 400}}'
    with (
        Server(says(body)) as server,
        pytest.raises(StageError, match=r"refuses the request \(status 400\): flagged"),
    ):
        ask(server.url, chat("a"))

    assert len(server.requests) == 1


@pytest.fixture
def website() -> Iterator[Server]:
    async def page(request: Request) -> Reply:
        if request.path.startswith("/v1"):
            return await Model()(request)
        return Reply(404, b'{"detail": "Not Found"}')

    with Server(page) as running:
        yield running


def test_a_url_without_v1_is_recognised(website: Server) -> None:
    url = website.url.removesuffix("/v1")
    with pytest.raises(StageError, match=rf"Not Found.*usually ends in /v1, as in {url}/v1"):
        ask(url, chat("a"))
    with pytest.raises(StageError, match=rf"as in {url}/v1,"):
        ask(f"{url}/chat/completions", chat("a"))
    with Server(says("<html><title>Welcome</title></html>")) as server:
        with pytest.raises(StageError, match=r"a web page came instead of JSON \(Welcome\)"):
            ask(server.url, chat("a"))
        assert len(server.requests) == 1


def test_an_unknown_model_is_named() -> None:
    with (
        Server(always(404, "The model does not exist")) as server,
        pytest.raises(StageError, match=r"does not exist.*that the server has the model 'small'"),
    ):
        ask(server.url, chat("a"))


def test_a_prompt_that_is_forbidden_does_not_blame_the_key() -> None:
    model = Model()

    async def prim(request: Request) -> Reply:
        if request.body["messages"][-1]["content"] == "b":
            return await always(403, "flagged by moderation")(request)
        return await model(request)

    refusals: list[str] = []
    with Server(prim) as server:
        sampler = OpenAISampler(base_url=server.url, concurrency=1).tolerate_refusals(refusals)
        found = list(sampler.sample(MODEL, chat("a", "b", "c"), 1, 0))

    assert [bool(samples[0].text) for samples in found] == [True, False, True]
    assert "flagged by moderation" in refusals[0] and "key" not in refusals[0]


def test_an_answer_with_an_error_is_kept() -> None:
    whole = json.loads(choice({"content": "Paris"}))
    with Server(says(json.dumps({**whole, "error": {"message": "quota soon used up"}}))) as server:
        ((found,),) = ask(server.url, chat("a"))

    assert found.text == "Paris" and len(server.requests) == 1
