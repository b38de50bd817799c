"""A small HTTP server with the APIs of OpenAI and Anthropic, and a proxy that injects faults.

Both are real servers on the loopback interface. `Faults` forwards requests to any other server and
corrupts a share of the replies.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import httpx2
from typing_extensions import Self

FAULTS = (
    *("429", "429 with Retry-After", "500", "503", "hang", "reset", "truncated"),
    *("no choices", "a choice missing", "a choice too many"),
)


@dataclass(frozen=True)
class Request:
    """A request of a client."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """The reply to a request.

    Attributes:
        reset: whether to reset the connection in the middle of the body.
        chunks: sent instead of the body until the client disconnects.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    chunks: AsyncIterator[bytes] | None = None


Answer = Callable[[Request], Awaitable[Reply]]


class Server:
    """Serves replies from a background thread inside a `with` block.

    Attributes:
        url: base URL, ending in `/v1`.
        requests: all requests received, in order.
    """

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.tls = tls
        self.requests: list[Request] = []

    def __enter__(self) -> Self:
        self.loop, self.over = asyncio.new_event_loop(), asyncio.Event()
        self.listener = _listen_on_new_port()
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        self.thread = Thread(target=self.loop.run_until_complete, args=(self._serve(),))
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join()
        self.loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, sock=self.listener, ssl=self.tls)
        await self.over.wait()
        server.close()
        while rest := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in rest:
                task.cancel()
            await asyncio.wait(rest, timeout=1)
        if isinstance(self.answer, Faults):
            await self.answer.close()
        await asyncio.sleep(0)  # for the connections to close

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await read(reader)) is not None:
                self.requests.append(request)
                reply = await self.answer(request)
                head = {"content-type": "application/json", **reply.headers}
                if reply.chunks is None:
                    head["content-length"] = str(len(reply.body))
                lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
                writer.write(f"HTTP/1.1 {reply.status} said\r\n{lines}\r\n".encode())
                if reply.chunks is not None:
                    async for chunk in reply.chunks:
                        writer.write(chunk)
                        await writer.drain()
                    return
                if reply.reset:
                    writer.write(reply.body[: len(reply.body) // 2])
                    await writer.drain()
                    once = struct.pack("ii", 1, 0)  # close with a reset instead of an end
                    writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, once
                    )
                    return
                writer.write(reply.body)
                await writer.drain()
        except (ConnectionError, ssl.SSLError, asyncio.CancelledError):
            pass  # the client disconnected, or the server is stopping
        finally:
            writer.close()


#: Ports of all servers of this process so far.
_USED_PORTS: set[int] = set()


def _listen_on_new_port() -> socket.socket:
    """A port that no earlier server had: the process remembers what a server at a URL can do."""
    while True:
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        port = listener.getsockname()[1]
        if port not in _USED_PORTS:
            _USED_PORTS.add(port)
            return listener
        listener.close()


async def read(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; `None` at its end."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in head[1:] if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(head[0].split()[1], headers, json.loads(body or b"{}"))


class Model:
    """Repeats the prompt with a number that is never used twice.

    Attributes:
        obeys: whether it returns as many choices as requested, or always one.
    """

    def __init__(self, obeys: bool = True) -> None:
        self.obeys = obeys
        self.said = itertools.count()

    async def __call__(self, request: Request) -> Reply:
        body = request.body
        if request.path.endswith("/messages"):
            return Reply(body=json.dumps(self._message(body)).encode())
        asked = body.get("n", 1) if self.obeys else 1
        chat = request.path.endswith("/chat/completions")
        prompt = body["messages"][-1]["content"] if chat else body["prompt"]
        texts = [f"{prompt} #{next(self.said)}" for _ in range(asked)]
        whole = {
            "id": "1",
            "object": "chat.completion" if chat else "text_completion",
            "created": 0,
            "model": body["model"],
            "choices": [
                {
                    "index": index,
                    "finish_reason": "stop",
                    "logprobs": self._logprobs(chat, text, body)
                    if body.get("logprobs") is not None
                    else None,
                    **({"message": {"role": "assistant", "content": text}} if chat else {}),
                    **({} if chat else {"text": text}),
                }
                for index, text in enumerate(texts)
            ],
            "usage": {
                "prompt_tokens": 10,
                "completion_tokens": 5 * asked,
                "total_tokens": 10 + 5 * asked,
            },
        }
        return Reply(body=json.dumps(whole).encode())

    def _logprobs(self, chat: bool, text: str, body: dict[str, Any]) -> dict[str, Any]:
        """Two tokens with their log-probabilities; if alternatives are requested, one each."""
        if chat and body.get("top_logprobs"):
            top = [{"token": "other", "logprob": -1.5, "bytes": None}]
            return {
                "content": [
                    {"token": token, "logprob": -0.5, "bytes": None, "top_logprobs": top}
                    for token in (text[:3], text[3:])
                ]
            }
        if not chat and body["logprobs"]:
            top_tokens = [{text[:3]: -0.5, "other": -1.5}, {"other": -1.5}]
            scores = [-0.5, -0.25]
            return {
                "token_logprobs": scores,
                "tokens": [text[:3], text[3:]],
                "top_logprobs": top_tokens,
            }
        if not chat:
            return {"token_logprobs": [-0.5, -0.25], "tokens": ["a", "b"]}
        return {"content": [{"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}] * 3}

    def _message(self, body: dict[str, Any]) -> dict[str, Any]:
        text = f"{body['messages'][-1]['content']} #{next(self.said)}"
        return {
            "id": "1",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 5},
        }


@dataclass
class Concurrent:
    """A model that notes how many requests it has at the same time.

    Attributes:
        seconds: of a reply.
        most: requests at the same time, so far.
    """

    seconds: float = 0.05
    most: int = 0
    model: Model = field(default_factory=Model)
    _now: int = 0

    async def __call__(self, request: Request) -> Reply:
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(self.seconds)
        self._now -= 1
        return await self.model(request)


class Faults:
    """Forwards requests to a server and injects faults into a share of them.

    Attributes:
        made: how often each fault was injected.
    """

    def __init__(
        self, upstream: str, share: float, kinds: tuple[str, ...] = FAULTS, seed: int = 0
    ) -> None:
        self.upstream = upstream.removesuffix("/v1")
        self.share = share
        self.kinds = kinds
        self.random = random.Random(seed)
        self.made = dict.fromkeys(kinds, 0)
        self.client: httpx2.AsyncClient | None = None

    async def __call__(self, request: Request) -> Reply:
        if self.random.random() >= self.share:
            return await self._passed(request)
        fault = self.random.choice(self.kinds)
        self.made[fault] += 1
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault in ("429", "500", "503"):
            return Reply(int(fault), b'{"error": {"message": "not now"}}')
        if fault == "429 with Retry-After":
            return Reply(429, b'{"error": {"message": "later"}}', {"retry-after": "0.2"})
        whole = await self._passed(request)
        if fault == "reset":
            return Reply(whole.status, whole.body, reset=True)
        if fault == "truncated":
            return Reply(whole.status, whole.body[: len(whole.body) // 2])
        content = json.loads(whole.body)
        if fault == "no choices":
            content["choices"] = []
        elif fault == "a choice missing":
            content["choices"] = content["choices"][1:]
        else:
            content["choices"] += content["choices"][:1]
        return Reply(whole.status, json.dumps(content).encode())

    async def close(self) -> None:
        if self.client is not None:
            await self.client.aclose()

    async def _passed(self, request: Request) -> Reply:
        if self.client is None:
            self.client = httpx2.AsyncClient(timeout=None, trust_env=False)
        found = await self.client.post(f"{self.upstream}{request.path}", json=request.body)
        return Reply(found.status_code, found.content)


def always(status: int, message: str = "no", **headers: str) -> Answer:
    """A server that gives every request the same error."""

    async def answer(request: Request) -> Reply:
        return Reply(status, json.dumps({"error": {"message": message}}).encode(), headers)

    return answer


if __name__ == "__main__":  # python -m tests.support.api_server SHARE
    import sys

    with Server(Model()) as upstream, Server(Faults(upstream.url, float(sys.argv[1]))) as front:
        print(front.url, flush=True)
        sys.stdin.read()  # until the process that started it closes its end
        print(json.dumps(front.answer.made))  # type: ignore[attr-defined]
