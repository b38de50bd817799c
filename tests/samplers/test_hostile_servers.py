"""Servers that mean harm: endless, huge, compressed or deep answers, and redirects.

And where a key goes: to the provider's own server, or to the one that the recipe names it for.
"""

from __future__ import annotations

import asyncio
import gzip
import math
import socket
import ssl
import subprocess
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import date
from pathlib import Path
from shutil import which
from threading import Thread
from typing import Any

import pytest

from saysel.errors import MissingExtra, StageError, UsageError
from saysel.records import ModelRef
from saysel.runs.manifest import peak_memory, reset_peak_memory
from saysel.samplers.anthropic import AnthropicSampler
from saysel.samplers.openai import DEFAULT_URL, OpenAISampler
from saysel.samplers.remote import requester
from saysel.samplers.remote import sampler as sampler_module
from saysel.samplers.remote.endpoint import Endpoint
from saysel.samplers.remote.sampler import RemoteSampler
from tests.support.api_server import Model, Reply, Request, Server

MODEL = ModelRef("small")
KEY = "sk-planted-0123456789"
OTHER_KEY = "other-planted-0123456789"
MEGABYTE = b" " * (1 << 20)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requester, "FIRST_PAUSE_SECONDS", 0.01)
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
def test_the_complete_response_has_a_deadline(chunks: Callable[[], AsyncIterator[bytes]]) -> None:
    async def slow(request: Request) -> Reply:
        return Reply(chunks=chunks())

    began = time.monotonic()
    with (
        Server(slow) as server,
        pytest.raises(StageError, match=r"no complete response within 0\.5 seconds, 2 times"),
    ):
        ask(server.url, timeout=0.5, retries=1)

    assert time.monotonic() - began < 50  # a client without a deadline waits for a minute


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


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("charset", ["zlib", "utf-7", "nonsense"])
def test_a_body_is_read_as_utf_8_whatever_its_declared_charset(charset: str, status: int) -> None:
    model = Model()

    async def misnamed(request: Request) -> Reply:
        body = (await model(request)).body if status == 200 else b'{"detail": "im Moment nicht"}'
        return Reply(status, body, {"content-type": f"application/json; charset={charset}"})

    with Server(misnamed) as server:
        if status == 200:
            assert ask(server.url) == "Why? #0"
        else:
            with pytest.raises(StageError, match="status 500: im Moment nicht"):
                ask(server.url, retries=0)


@pytest.mark.parametrize("inside", ['{"choices": %s}', '{"usage": %s, "choices": []}', "%s"])
def test_deeply_nested_json_is_unusable(inside: str) -> None:
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
def test_wrongly_compressed_responses_are_unusable(encoding: str) -> None:
    async def wrong(request: Request) -> Reply:
        return Reply(body=b"{}", headers={"content-encoding": encoding})

    with Server(wrong) as server, pytest.raises(StageError, match="compressed"):
        ask(server.url, retries=1)


@pytest.mark.parametrize("name", ["location", "retry-after", "x-own", "content-type"])
@pytest.mark.parametrize("value", ["/\u00e9", "http://[::1", "\u2603", "a" * 60_000, ""], ids=ascii)
@pytest.mark.parametrize("status", [200, 302, 400, 503])
def test_strange_headers_are_ignored(status: int, name: str, value: str) -> None:
    model = Model()

    async def odd(request: Request) -> Reply:
        return Reply(status, (await model(request)).body, {name: value})

    with Server(odd) as server:
        if status == 200:
            assert ask(server.url) == "Why? #0"
            return
        with pytest.raises(StageError) as caught:
            ask(server.url, retries=0)
        message = str(caught.value)
        assert message.isprintable() and len(message) < 800


# ----------------------------------------------------------------------------------------- keys


def sent(server: Server) -> str:
    return str([request.headers for request in server.requests])


def sent_headers(sampler: RemoteSampler) -> Mapping[str, str]:
    """The headers of its requests."""
    return Endpoint(sampler, "small").connect().headers


def test_a_key_is_not_sent_to_other_servers() -> None:
    with Server(Model()) as server:
        ask(server.url)
        anthropic = AnthropicSampler(base_url=server.url.removesuffix("/v1"))
        list(anthropic.sample(MODEL, [[{"role": "user", "content": "Why?"}]], 1, 0))

    assert len(server.requests) == 2
    assert "planted" not in sent(server) and "authorization" not in sent(server)


def test_a_server_gets_only_the_key_named_for_it() -> None:
    with Server(Model()) as server:
        ask(server.url, key_from="OTHER_KEY")
        anthropic = AnthropicSampler(base_url=server.url.removesuffix("/v1"), key_from="OTHER_KEY")
        list(anthropic.sample(MODEL, [[{"role": "user", "content": "Why?"}]], 1, 0))

    first, second = (request.headers for request in server.requests)
    assert first["authorization"] == f"Bearer {OTHER_KEY}"
    assert second["x-api-key"] == OTHER_KEY
    assert KEY not in sent(server) and "org_id" not in sent(server)


ENVIRONMENT = {
    "OPENAI_ADMIN_KEY": "planted",
    "OPENAI_BASE_URL": "http://planted.invalid/v1",
    "OPENAI_CUSTOM_HEADERS": "X-Own: planted\nAuthorization: planted\nUser-Agent: planted",
    "ANTHROPIC_AUTH_TOKEN": "planted",
    "ANTHROPIC_BASE_URL": "http://planted.invalid",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Own: planted\nx-api-key: planted\nHost: planted",
}


@pytest.mark.parametrize("key_from", [None, "OTHER_KEY"])
def test_nothing_else_of_the_environment_reaches_a_server(
    key_from: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"):  # then a file is looked for
        monkeypatch.delenv(name)
    monkeypatch.setenv("ANTHROPIC_PROFILE", "planted")
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))
    with Server(Model()) as server:
        ask(server.url, key_from=key_from)
        anthropic = AnthropicSampler(base_url=server.url.removesuffix("/v1"), key_from=key_from)
        list(anthropic.sample(MODEL, [[{"role": "user", "content": "Why?"}]], 1, 0))

    plain = {"host", "accept", "accept-encoding", "content-type", "content-length", "user-agent"}
    names = [set(request.headers) for request in server.requests]
    key = {"authorization"} if key_from else set()
    assert names[0] == plain | key
    key = {"x-api-key"} if key_from else set()
    assert names[1] == plain | {"anthropic-version"} | key
    assert "planted" not in sent(server).replace(OTHER_KEY, "")


@pytest.mark.parametrize(
    "url",
    [
        *("http://api.openai.com/v1", "https://api.openai.com.example.org/v1"),
        *("https://example.org/api.openai.com/v1", "https://api.openai.com:8443/v1"),
    ],
)
def test_a_url_that_resembles_the_providers_gets_no_key(url: str) -> None:
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
        OpenAISampler(base_url="http://127.0.0.1:1/v1", key_from="OTHER_KEY").check_available()
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


def test_an_unpaired_surrogate_is_sent_as_a_question_mark() -> None:
    prompt = [{"role": "user", "content": "Why \ud800?"}]
    with Server(Model()) as server:
        for sampler in (
            OpenAISampler(base_url=server.url, extra={"stop": ["\udfff"]}),
            AnthropicSampler(base_url=server.url.removesuffix("/v1")),
        ):
            list(sampler.sample(MODEL, [prompt], 1, 0))

    assert [request.body["messages"][0]["content"] for request in server.requests] == ["Why ??"] * 2
    assert server.requests[0].body["stop"] == ["?"]


@pytest.mark.parametrize("value", [math.nan, [-math.inf], date(2026, 1, 1), b"x", {1}, {2: {1}}])
def test_parameters_that_json_does_not_hold_are_refused(value: object) -> None:
    for sampler in (OpenAISampler, AnthropicSampler):
        with pytest.raises(ValueError, match="must hold only text, finite numbers"):
            sampler(extra={"top_k": value})


@pytest.mark.parametrize("sampler", [OpenAISampler, AnthropicSampler])
@pytest.mark.parametrize("absent", ["sdk", "httpx2"])
def test_a_missing_sdk_is_named_with_what_to_install(
    sampler: type[RemoteSampler], absent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {sampler.api if absent == "sdk" else absent}
    monkeypatch.setattr(sampler_module, "find_spec", lambda name: None if name in names else ...)

    with pytest.raises(
        MissingExtra, match=rf"the package '{sampler.api}'.*\"saysel\[{sampler.api}\]\""
    ):
        sampler(base_url="http://127.0.0.1:1").check_installed()


# ------------------------------------------------------------------------------- proxies and TLS


def test_requests_go_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with Server(Model()) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        assert ask("http://model.invalid/v1") == "Why? #0"

    assert proxy.requests[0].path == "http://model.invalid/v1/chat/completions"
    assert proxy.requests[0].headers["host"] == "model.invalid"


@pytest.mark.parametrize("proxy", ["http://me:s3cret/word@proxy:80", "socks9://me:s3cret@proxy:80"])
def test_the_password_of_an_invalid_proxy_is_not_shown(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTP_PROXY", proxy)

    with pytest.raises(StageError, match="HTTP_PROXY") as caught:
        ask("http://model.invalid/v1")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://256.1.1.1/v1", "Invalid IPv4 address"),
        ("http://ä..com/v1", "Invalid IDNA hostname"),
        ("http://\ufb00\u2603.invalid/v1", "Invalid IDNA hostname"),
    ],
)
def test_an_address_that_no_server_can_have_is_one_line(url: str, reason: str) -> None:
    with pytest.raises(StageError, match=rf"{url}.*{reason}.*base_url") as caught:
        ask(url)

    assert "\n" not in str(caught.value)


def test_a_server_without_tls_is_named() -> None:
    def answer(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(9999)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=answer, args=(listener,))
        thread.start()
        with pytest.raises(StageError, match=r"cannot be reached \(TLS: wrong version number\)"):
            ask(f"https://127.0.0.1:{listener.getsockname()[1]}/v1", retries=0)
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a self-signed certificate for 127.0.0.1, and its key."""
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
        assert time.monotonic() - began < 30  # it is not tried again
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
