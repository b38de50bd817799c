"""Servers that mean harm: endless, huge, compressed or deep answers, and redirects.

And where a key goes: to the provider's own server, or to the one that the recipe names it for.
"""

from __future__ import annotations

import asyncio
import gzip
import ssl
import subprocess
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from saysel import asking
from saysel.endpoint import Endpoint
from saysel.errors import StageError, UsageError
from saysel.manifest import peak_memory, reset_peak_memory
from saysel.records import ModelRef
from saysel.remote import RemoteSampler
from saysel.samplers.anthropic import AnthropicSampler
from saysel.samplers.openai import DEFAULT_URL, OpenAISampler
from tests.servers import Model, Reply, Request, Server

MODEL = ModelRef("small")
KEY = "sk-planted-0123456789"
OTHER_KEY = "other-planted-0123456789"
MEGABYTE = b" " * (1 << 20)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "FIRST_PAUSE", 0.01)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("OTHER_KEY", OTHER_KEY)
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, f"{name.lower()}-planted")


def ask(url: str, **options: Any) -> str:
    sampler = OpenAISampler(base_url=url, **options)
    ((one,),) = sampler.sample(MODEL, [[{"role": "user", "content": "Why?"}]], 1, 0)
    return one.text


# ---------------------------------------------------------------------------- time, size, depth


async def drip() -> AsyncIterator[bytes]:
    while True:
        yield b" "
        await asyncio.sleep(0.05)


async def late_headers() -> AsyncIterator[bytes]:
    await asyncio.sleep(60)
    yield b""


@pytest.mark.parametrize("chunks", [drip, late_headers])
def test_the_whole_answer_has_a_deadline(chunks: Callable[[], AsyncIterator[bytes]]) -> None:
    async def slow(request: Request) -> Reply:
        return Reply(chunks=chunks())

    began = time.monotonic()
    with (
        Server(slow) as server,
        pytest.raises(StageError, match=r"no whole answer within 0\.5 seconds, 2 times"),
    ):
        ask(server.url, timeout=0.5, retries=1)

    assert time.monotonic() - began < 6


async def half_a_gigabyte() -> AsyncIterator[bytes]:
    yield b'{"choices": ['
    for _ in range(500):
        yield MEGABYTE


async def bomb() -> AsyncIterator[bytes]:
    """Half a gigabyte of blanks, compressed to half a megabyte."""
    press = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    for _ in range(500):
        yield press.compress(MEGABYTE)
    yield press.flush()


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize(
    ("chunks", "headers"),
    [(half_a_gigabyte, {}), (bomb, {"content-encoding": "gzip"})],
    ids=["large", "compressed"],
)
def test_a_body_is_read_up_to_a_limit(
    chunks: Callable[[], AsyncIterator[bytes]], headers: dict[str, str], status: int
) -> None:
    async def flood(request: Request) -> Reply:
        return Reply(status, headers=headers, chunks=chunks())

    with Server(flood) as server:
        with pytest.raises(StageError, match="its body is larger than 4 MB"):
            ask(server.url, retries=0)  # what is loaded once is loaded
        reset_peak_memory()
        before = peak_memory()
        with pytest.raises(StageError, match="its body is larger than 4 MB"):
            ask(server.url, retries=0)

    assert peak_memory() - before < 64


@pytest.mark.parametrize("inside", ['{"choices": %s}', '{"usage": %s, "choices": []}', "%s"])
def test_deep_json_is_no_answer(inside: str) -> None:
    body = (inside % ("[" * 500_000 + "]" * 500_000)).encode()

    async def deep(request: Request) -> Reply:
        return Reply(body=body)

    with Server(deep) as server, pytest.raises(StageError, match="JSON nested too deeply"):
        ask(server.url, retries=0)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP"])
def test_compressed_answers_are_read(encoding: str) -> None:
    model = Model()

    async def compressed(request: Request) -> Reply:
        assert "gzip" in request.headers["accept-encoding"]
        body = (await model(request)).body
        press = gzip.compress if encoding.lower() == "gzip" else zlib.compress
        return Reply(body=press(body), headers={"content-encoding": encoding})

    with Server(compressed) as server:
        assert ask(server.url) == "Why? #0"


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_wrongly_compressed_answers_are_of_no_use(encoding: str) -> None:
    async def wrong(request: Request) -> Reply:
        return Reply(body=b"{}", headers={"content-encoding": encoding})

    with Server(wrong) as server, pytest.raises(StageError, match="compressed"):
        ask(server.url, retries=1)


# ----------------------------------------------------------------------------------------- keys


def sent(server: Server) -> str:
    return str([request.headers for request in server.requests])


def sent_headers(sampler: RemoteSampler) -> Mapping[str, str]:
    """The headers of its requests."""
    return Endpoint(sampler, "small").connect().headers


def test_a_key_goes_to_no_server_that_it_is_not_named_for() -> None:
    with Server(Model()) as server:
        ask(server.url)
        anthropic = AnthropicSampler(base_url=server.url.removesuffix("/v1"))
        list(anthropic.sample(MODEL, [[{"role": "user", "content": "Why?"}]], 1, 0))

    assert len(server.requests) == 2
    assert "planted" not in sent(server) and "authorization" not in sent(server)


def test_a_server_gets_the_key_that_is_named_for_it_and_no_other() -> None:
    with Server(Model()) as server:
        ask(server.url, key_from="OTHER_KEY")
        anthropic = AnthropicSampler(base_url=server.url.removesuffix("/v1"), key_from="OTHER_KEY")
        list(anthropic.sample(MODEL, [[{"role": "user", "content": "Why?"}]], 1, 0))

    first, second = (request.headers for request in server.requests)
    assert first["authorization"] == f"Bearer {OTHER_KEY}"
    assert second["x-api-key"] == OTHER_KEY
    assert KEY not in sent(server) and "org_id" not in sent(server)


@pytest.mark.parametrize(
    "url",
    [
        *("http://api.openai.com/v1", "https://api.openai.com.example.org/v1"),
        *("https://example.org/api.openai.com/v1", "https://api.openai.com:8443/v1"),
    ],
)
def test_an_address_that_looks_like_the_providers_is_another(url: str) -> None:
    headers = sent_headers(OpenAISampler(base_url=url))

    assert "planted" not in str(headers)


@pytest.mark.parametrize("url", [DEFAULT_URL, f"{DEFAULT_URL}/", "https://API.openai.com/v1"])
def test_the_providers_own_server_gets_its_key(url: str) -> None:
    assert sent_headers(OpenAISampler(base_url=url)) == {
        "Authorization": f"Bearer {KEY}",
        "OpenAI-Organization": "openai_org_id-planted",
        "OpenAI-Project": "openai_project_id-planted",
    }
    assert sent_headers(AnthropicSampler())["x-api-key"] == KEY


@pytest.mark.parametrize("key", ["", " \n", "two\nlines", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_one_line(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", key)

    with pytest.raises(UsageError, match="environment variable OTHER_KEY holds") as caught:
        OpenAISampler(base_url="http://127.0.0.1:1/v1", key_from="OTHER_KEY").ready()
    assert "\n" not in str(caught.value) and "lines" not in str(caught.value)


def test_an_account_that_cannot_be_sent_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "two\nlines")

    with pytest.raises(UsageError, match="environment variable OPENAI_ORG_ID holds") as caught:
        sent_headers(OpenAISampler())
    assert "lines" not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    with Server(Model()) as other:

        async def elsewhere(request: Request) -> Reply:
            return Reply(status, headers={"location": f"{other.url}/chat/completions"})

        with (
            Server(elsewhere) as server,
            pytest.raises(StageError, match=rf"redirects to {other.url}/chat/completions"),
        ):
            ask(server.url, key_from="OTHER_KEY")

    assert other.requests == [] and len(server.requests) == 1


# ------------------------------------------------------------------------------------------ TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate for 127.0.0.1 that nobody has signed, and its key."""
    if which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", path, "-out", path.with_suffix(".crt")),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


def test_a_certificate_that_is_not_trusted_is_named_at_once(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    began = time.monotonic()
    with Server(Model(), context) as server:
        with pytest.raises(StageError, match=r"certificate is not trusted.*SSL_CERT_FILE"):
            ask(server.url)
        assert time.monotonic() - began < 10  # it is not tried again
        # The advice helps.
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
        assert ask(server.url) == "Why? #0"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *(("SSL_CERT_FILE", "/nowhere.pem"), ("SSL_CERT_FILE", __file__)),
        *(("ALL_PROXY", "socks5://127.0.0.1:1"), ("HTTPS_PROXY", "ftp://127.0.0.1")),
    ],
)
def test_an_environment_that_allows_no_connection_is_one_line(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with (
        Server(Model()) as server,
        pytest.raises(StageError, match=rf"cannot be set up .*{variable}") as caught,
    ):
        ask(server.url)

    assert "\n" not in str(caught.value) and server.url in str(caught.value)
