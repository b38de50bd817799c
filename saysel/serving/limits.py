"""Limits of the server on what it reads: the size of a body, and who may ask."""

from __future__ import annotations

import hmac
from typing import Any

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from saysel.storage import encodable


class BodyLimit:
    """Middleware that stops to read a body which is larger than the limit."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = 0

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self.limit:
                raise HTTPException(413, f"the body is larger than {self.limit:,} bytes")
            return message

        await self.app(scope, limited if scope["type"] == "http" else receive, send)


def check_key(authorization: str | None, key: str | None) -> None:
    """Compare the bearer key of a request with the server's, if it has one.

    Raises:
        HTTPException: 401, it is another or missing.
    """
    if key is None:
        return
    given = (authorization or "").removeprefix("Bearer ").strip()
    if not hmac.compare_digest(given.encode(), key.encode()):
        raise HTTPException(
            401, "the bearer key is missing or wrong", headers={"WWW-Authenticate": "Bearer"}
        )


def error_body(status: int, message: str) -> dict[str, Any]:
    """An error as clients of the OpenAI API expect it."""
    kinds = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": encodable(message), "type": kind, "param": None, "code": None}}
