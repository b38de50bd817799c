"""The HTTP application: chat completions as in the OpenAI API, and a chat page."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Header, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from saysel import __version__
from saysel.errors import SayselError
from saysel.serving.batches import Batches, Job, QueueFull, Sampling
from saysel.serving.completion import choice, chunk, completion, usage
from saysel.serving.confidence import Confidence
from saysel.serving.limits import BodyLimit, check_key, error_body
from saysel.serving.model import ServedReply
from saysel.serving.requests import ChatRequest

#: Seconds between two looks at whether a client is still there.
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Settings:
    """What the server was started with.

    Attributes:
        name: the model's name.
        sampling: how replies are decoded, unless a request says otherwise.
        key: bearer key that requests must have; `None`: none.
        body_limit: maximum bytes of a body.
    """

    name: str
    sampling: Sampling
    key: str | None = None
    body_limit: int = 1 << 20


def make_app(batches: Batches, confidence: Confidence, settings: Settings) -> FastAPI:
    """The application around a running queue."""
    app = FastAPI(title="saysel", version=__version__)
    app.add_middleware(BodyLimit, limit=settings.body_limit)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(StarletteHTTPException, _refused)
    page = files("saysel.serving").joinpath("page.html").read_text(encoding="utf-8")
    created = int(time.time())

    @app.get("/", include_in_schema=False)
    async def chat_page() -> HTMLResponse:
        policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
        headers = {"Content-Security-Policy": f"{policy}; connect-src 'self'"}
        return HTMLResponse(page, headers=headers)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/v1/models")
    async def models(authorization: str | None = Header(None)) -> dict[str, Any]:
        check_key(authorization, settings.key)
        one = {"id": settings.name, "object": "model", "created": created, "owned_by": "saysel"}
        return {"object": "list", "data": [one]}

    @app.post("/v1/chat/completions")
    async def chat_completions(
        body: ChatRequest, request: Request, authorization: str | None = Header(None)
    ) -> Response:
        check_key(authorization, settings.key)
        if body.model != settings.name:
            raise HTTPException(404, f"there is no model '{body.model}', only '{settings.name}'")
        try:
            rule = await run_in_threadpool(confidence.rule, body.saysel.risk)
        except SayselError as error:
            raise _http_error(error) from None
        waiting = _Waiting(body, settings.sampling)
        try:
            batches.submit(waiting.jobs)
        except QueueFull:
            raise HTTPException(
                429, f"{batches.waiting:,} replies are waiting", headers={"Retry-After": "1"}
            ) from None
        describe = partial(confidence.describe, rule=rule)
        head = {"id": f"chatcmpl-{uuid4().hex}", "created": int(time.time()), "model": body.model}
        if not body.stream:
            replies = await waiting.replies(request.is_disconnected)
            choices = [choice(n, reply, describe(reply)) for n, reply in enumerate(replies)]
            return JSONResponse(completion(head, choices, usage(replies)))
        options = body.stream_options
        lines = waiting.stream(head, describe, options is not None and options.include_usage)
        return StreamingResponse(lines, media_type="text/event-stream")

    return app


class _Waiting:
    """A request whose replies are being generated, on the side of the event loop."""

    def __init__(self, body: ChatRequest, default: Sampling) -> None:
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[tuple[int, str | ServedReply | Exception]] = asyncio.Queue()
        messages = [message.as_message() for message in body.messages]
        self.jobs = [
            Job(
                messages,
                _sampling(body, default, number),
                on_end=partial(self._put, number),
                on_text=partial(self._put, number) if body.stream else None,
            )
            for number in range(body.n or 1)
        ]

    def _put(self, number: int, event: str | ServedReply | Exception) -> None:
        """Called by the thread that generates."""
        self._loop.call_soon_threadsafe(self._events.put_nowait, (number, event))

    async def replies(self, left: Callable[[], Awaitable[bool]]) -> list[ServedReply]:
        """All replies, once they are complete.

        Args:
            left: whether the client has left, so that nothing more needs to be generated.

        Raises:
            HTTPException: the request cannot be answered.
        """
        found: dict[int, ServedReply] = {}
        try:
            while len(found) < len(self.jobs):
                try:
                    number, event = await asyncio.wait_for(self._events.get(), POLL_SECONDS)
                except asyncio.TimeoutError:
                    if await left():
                        raise HTTPException(499, "the client has left") from None
                    continue
                if isinstance(event, Exception):
                    raise _http_error(event)
                if isinstance(event, ServedReply):
                    found[number] = event
        finally:
            self._cancel()
        return [found[number] for number in range(len(self.jobs))]

    async def stream(
        self,
        head: dict[str, Any],
        describe: Callable[[ServedReply], dict[str, Any]],
        with_usage: bool,
    ) -> AsyncIterator[str]:
        """Server-sent events: the texts as they grow, each reply's confidence at its end."""
        finished: list[ServedReply] = []
        try:
            for number in range(len(self.jobs)):
                yield _event(chunk(head, number, {"role": "assistant", "content": ""}))
            while len(finished) < len(self.jobs):
                number, event = await self._events.get()
                if isinstance(event, Exception):
                    error = _http_error(event)
                    yield _event(error_body(error.status_code, error.detail))
                    return
                if isinstance(event, str):
                    yield _event(chunk(head, number, {"content": event}))
                    continue
                finished.append(event)
                reason = "length" if event.cut else "stop"
                yield _event(chunk(head, number, {"saysel": describe(event)}, reason))
            if with_usage:
                yield _event({**chunk(head, 0, {}), "choices": [], "usage": usage(finished)})
            yield "data: [DONE]\n\n"
        finally:
            self._cancel()

    def _cancel(self) -> None:
        for job in self.jobs:
            job.cancelled = True


def _sampling(body: ChatRequest, default: Sampling, number: int) -> Sampling:
    limit = min(body.reply_limit() or default.max_tokens, default.max_tokens)
    return Sampling(
        temperature=default.temperature if body.temperature is None else body.temperature,
        top_k=default.top_k,
        top_p=default.top_p if body.top_p is None else body.top_p,
        max_tokens=limit,
        seed=None if body.seed is None else (body.seed + number) % 2**63,
    )


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n"


def _http_error(error: Exception) -> HTTPException:
    """An error of a request; what went wrong inside the server is in its log."""
    if isinstance(error, SayselError):
        return HTTPException(400, str(error))
    return HTTPException(500, "the reply could not be generated; the server's log says why")


async def _refused(request: Request, error: Any) -> Response:
    content = error_body(error.status_code, str(error.detail))
    return JSONResponse(content, error.status_code, headers=error.headers)


async def _invalid(request: Request, error: Any) -> Response:
    """A body that is not a request: 400, as the OpenAI API answers."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    message = first["msg"].removeprefix("Value error, ")
    return JSONResponse(error_body(400, f"{where}: {message}" if where else message), 400)
