from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import httpx2
import openai
import pytest

from saysel import hf
from saysel.records import Question
from saysel.serving.app import Settings
from saysel.serving.confidence import Confidence
from saysel.serving.model import ServedModel
from tests.serving.conftest import FORMAT, GREEDY, REPLIES, serving

LANTERN, ROPE, WHO = REPLIES


def client(url: str, **options: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, **options)


def ask(url: str, question: str, **options: Any) -> Any:
    messages = [{"role": "user", "content": question}]
    return client(url).chat.completions.create(model="small", messages=messages, **options)


def post(url: str, body: Any, **options: Any) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **options.pop("headers", {})}
    return httpx2.post(
        f"{url}/v1/chat/completions", content=content, headers=headers, timeout=30, **options
    )


def request(question: str = LANTERN, **options: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}]
    return {"model": "small", "messages": messages, **options}


def test_the_official_client_gets_reply_and_confidence(url: str) -> None:
    completion = ask(url, LANTERN)

    (choice,) = completion.choices
    said = choice.message.saysel
    assert choice.message.content == REPLIES[LANTERN] and choice.finish_reason == "stop"
    assert said["answer"] == "cellar" and said["rationale"] == "I am quite sure."
    confidence = said["confidence"]
    assert confidence["stated"] == 0.7 and confidence["recalibrated"] is None
    values = {each["confidence"]: each["probability"] for each in confidence["distribution"]}
    assert list(values) == [k / 10 for k in range(11)]
    assert sum(values.values()) == pytest.approx(1, abs=1e-5) and max(values, key=values.get) == 0.7
    mean = sum(value * probability for value, probability in values.items())
    assert confidence["expected"] == pytest.approx(mean, abs=1e-5)
    assert completion.usage.total_tokens == (
        completion.usage.prompt_tokens + completion.usage.completion_tokens
    )
    assert [model.id for model in client(url).models.list()] == ["small"]


def test_a_stream_has_the_same_text_and_confidence(url: str) -> None:
    whole = ask(url, ROPE)
    chunks = list(ask(url, ROPE, stream=True, stream_options={"include_usage": True}))

    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert "".join(filter(None, texts)) == REPLIES[ROPE] and len(texts) > 5
    *_, last, usage = chunks
    assert last.choices[0].delta.saysel == whole.choices[0].message.saysel
    assert last.choices[0].finish_reason == "stop" and usage.usage == whole.usage


def test_a_reply_that_cannot_be_read_has_no_confidence(url: str) -> None:
    said = ask(url, WHO).choices[0].message.saysel

    assert said["answer"] is None and not said["declined"]
    assert said["confidence"] == {
        "stated": None,
        "expected": None,
        "recalibrated": None,
        "distribution": [],
    }


def test_several_choices_and_a_shorter_limit(url: str) -> None:
    completion = ask(url, LANTERN, n=3, max_completion_tokens=4)

    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    assert {choice.finish_reason for choice in completion.choices} == {"length"}
    assert completion.usage.completion_tokens == 12


def test_a_seed_repeats_the_draws_whatever_else_is_asked(url: str) -> None:
    def sampled(_: int) -> str:
        options = {"temperature": 2.0, "seed": 5, "max_tokens": 20}
        return str(ask(url, LANTERN, **options).choices[0].message.content)

    async def several() -> set[str]:
        return set(await asyncio.gather(*(asyncio.to_thread(sampled, n) for n in range(4))))

    assert len(asyncio.run(several())) == 1
    unseeded = {ask(url, LANTERN, temperature=2.0).choices[0].message.content for _ in range(4)}
    assert len(unseeded) > 1


def test_parts_and_earlier_turns_are_read(url: str) -> None:
    messages: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": ROPE},
        {"role": "assistant", "content": REPLIES[ROPE]},
        {"role": "user", "content": [{"type": "text", "text": LANTERN}]},
    ]

    short = ask(url, LANTERN).usage.prompt_tokens
    completion = client(url).chat.completions.create(model="small", messages=messages)

    assert completion.usage.prompt_tokens > 2 * short


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "required"),
        (b"{", 400, "JSON"),
        (b"\xff\xfe", 400, ""),
        ([], 400, "dictionary"),
        ({"model": "small", "messages": []}, 400, "messages: "),
        ({"model": "small", "messages": [{"role": "user", "content": " "}]}, 400, "not be empty"),
        (
            {"model": "small", "messages": [{"role": "tool", "content": "x"}]},
            400,
            "messages.0.role",
        ),
        ({"model": "other", "messages": [{"role": "user", "content": "x"}]}, 404, "only 'small'"),
        (request(tools=[{"type": "function"}]), 400, "'tools' is not supported"),
        (request(temperature=-1), 400, "temperature"),
        (request(n=1000), 400, "n: "),
        (request(saysel={"risk": 0.1}), 400, "run directory"),
        (request(saysel={"rsik": 0.1}), 400, "saysel.rsik"),
        (request("x" * 90_000), 400, "positions"),
        (request("x" * 200_000), 413, "larger than 100,000 bytes"),
    ],
)
def test_what_cannot_be_answered_gets_one_line(
    url: str, body: Any, status: int, message: str
) -> None:
    response = post(url, body)

    error = response.json()["error"]
    assert response.status_code == status and message in error["message"]
    assert "\n" not in error["message"] and error["type"]
    assert ask(url, LANTERN).choices[0].message.saysel["answer"] == "cellar"


def test_a_long_question_fits_with_a_short_reply(model: ServedModel, url: str) -> None:
    positions = model.lm.config.max_position_embeddings
    question = LANTERN
    while len(hf.encode(model.tokenizer, [FORMAT.prompt(Question("q", question, ("",)))])[0]) < (
        positions - 20
    ):
        question += " x"

    assert post(url, request(question)).status_code == 400
    assert post(url, request(question, max_tokens=2)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "small", "messages": [{"role": "user", "content": "\\ud800?"}]}',
        b'{"model": "small", "messages": [{"role": "system", "content": [{"type": "text", "text": '
        b'"\\udfff"}]}, {"role": "user", "content": "x"}]}',
        b'{"model": "\\ud800", "messages": [{"role": "user", "content": "x"}]}',
    ],
)
def test_half_a_surrogate_pair_is_refused(url: str, body: bytes) -> None:
    response = post(url, body)

    assert response.status_code in (400, 404) and response.json()["error"]["type"]


def test_a_body_in_parts_is_limited_too(url: str) -> None:
    def parts() -> Any:
        for _ in range(100):
            yield b" " * 10_000

    response = httpx2.post(
        f"{url}/v1/chat/completions", content=parts(), headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 413


def test_the_key_is_required(model: ServedModel) -> None:
    with serving(model, Settings("small", GREEDY, key="secret"), Confidence()) as url:
        assert post(url, request()).status_code == 401
        assert post(url, request(), headers={"Authorization": "Bearer no"}).status_code == 401
        assert httpx2.get(f"{url}/v1/models").status_code == 401
        authorized = openai.OpenAI(base_url=f"{url}/v1", api_key="secret")
        assert [each.id for each in authorized.models.list()] == ["small"]
        assert httpx2.get(url).status_code == 200  # the chat page asks for the key


def test_requests_beyond_the_queue_are_refused(model: ServedModel) -> None:
    with serving(model, Settings("small", GREEDY), Confidence(), waiting=2) as url:
        response = post(url, request(n=3))

        assert response.status_code == 429 and response.headers["retry-after"] == "1"
        assert post(url, request(n=2)).status_code == 200


def test_a_client_that_leaves_frees_its_place(model: ServedModel) -> None:
    endless = Settings("small", GREEDY)
    with serving(model, endless, Confidence(), size=1) as url:
        host, port = url.removeprefix("http://").split(":")
        body = json.dumps(request(stream=True)).encode()
        for _ in range(20):
            with socket.create_connection((host, int(port))) as connection:
                connection.sendall(
                    b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                    b"Content-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
                )
                connection.recv(10)

        assert ask(url, LANTERN).choices[0].message.saysel["answer"] == "cellar"


@pytest.mark.slow
def test_a_thousand_requests_at_once(url: str) -> None:
    async def everything() -> list[str]:
        limit = asyncio.Semaphore(64)
        questions = [list(REPLIES)[k % 3] for k in range(1000)]
        async with openai.AsyncOpenAI(
            base_url=f"{url}/v1", api_key="none", max_retries=0
        ) as asking:

            async def one(question: str) -> str:
                async with limit:
                    completion = await asking.chat.completions.create(
                        model="small", messages=[{"role": "user", "content": question}]
                    )
                    return str(completion.choices[0].message.content)

            return await asyncio.gather(*map(one, questions))

    found = asyncio.run(everything())

    assert found == [REPLIES[list(REPLIES)[k % 3]] for k in range(1000)]


def test_the_page_loads_nothing_from_elsewhere(url: str) -> None:
    page = httpx2.get(url)

    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http://" not in page.text and "https://" not in page.text
