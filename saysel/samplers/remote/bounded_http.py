"""The HTTP client beneath a provider's SDK, for servers that are not trusted.

The SDK makes a request's address and body. The headers are replaced as the request leaves: an SDK
takes keys, accounts and whole headers from a dozen environment variables and files, and none of
them is meant for another server than the provider's. Redirects are not followed for the same
reason. A body is read up to a limit, counted after decompression.
"""

from __future__ import annotations

import os
import ssl
import zlib
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

import anyio
import httpx2

import saysel
from saysel.samplers.remote.http_responses import NoResponse, UnreadableBody

#: Bytes that the body of the next response may have, after decompression. Every request has its
#: own limit, and the SDKs have no argument that would carry it here.
MAX_BODY: ContextVar[int] = ContextVar("MAX_BODY")
#: Headers of every request, beside `Host` and `Content-Length`.
REQUEST_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Content-Type": "application/json",
    "User-Agent": f"saysel/{saysel.__version__}",
}
#: Headers of a response that are read. The others could only mislead, such as a character set.
RESPONSE_HEADERS = (b"location", b"retry-after", b"retry-after-ms")


class BoundedClient(httpx2.AsyncClient):
    """Sends what an SDK has built, and returns whole responses of limited size."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """
        Args:
            headers: the key and whatever else belongs to the server.

        Raises:
            OSError, ValueError, ImportError: what the environment says about certificates and
                proxies cannot be used.
        """
        super().__init__(
            timeout=None,  # the whole attempt has a deadline
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
        )
        self._own_headers = {**REQUEST_HEADERS, **headers}

    async def send(self, request: httpx2.Request, **_: Any) -> httpx2.Response:
        """The response to a request, with its whole body.

        Raises:
            NoResponse: none arrived.
            UnreadableBody: it is too large or wrongly compressed.
        """
        sent = httpx2.Request(
            request.method, request.url, headers=self._own_headers, content=request.content
        )
        try:
            response = await super().send(sent, stream=True, auth=None, follow_redirects=False)
            try:
                body = await _read(response, MAX_BODY.get())
            finally:
                await response.aclose()
        # Early versions of httpx2 let what breaks off a TLS handshake through as it is.
        except (httpx2.TransportError, OSError, anyio.EndOfStream) as error:
            raise _no_response(error) from None
        kept = [line for line in response.headers.raw if line[0].lower() in RESPONSE_HEADERS]
        return httpx2.Response(response.status_code, headers=kept, content=body, request=sent)


async def _read(response: httpx2.Response, max_body: int) -> bytes:
    """The whole body; what exceeds the limit is neither kept nor waited for."""
    decompress = _decompressor(response.headers.get("content-encoding", ""))
    body = bytearray()
    async for chunk in response.aiter_raw():
        try:
            body += decompress(chunk, max_body + 1 - len(body))
        except zlib.error:
            raise UnreadableBody("its body is wrongly compressed") from None
        if len(body) > max_body:
            raise UnreadableBody(f"its body is larger than {max_body >> 20} MB")
    return bytes(body)


def _decompressor(encoding: str) -> Callable[[bytes, int], bytes]:
    """A function of the next bytes and of how many bytes to make of them at most."""
    if encoding.strip().lower() in ("", "identity"):
        return lambda chunk, room: chunk[:room]
    if encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
        raise UnreadableBody(f"its body is compressed as '{encoding[:40]}', which was not asked")
    either = zlib.decompressobj(32 + zlib.MAX_WBITS)  # gzip or zlib, by its header
    return lambda chunk, room: either.decompress(chunk, room)


def _no_response(error: Exception) -> NoResponse:
    """Why no response came, in words; the exceptions of HTTP libraries often have none."""
    words = " ".join(str(error).split()) or type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NoResponse(cause.verify_message or "not trusted", certificate=True)
        if isinstance(cause, ssl.SSLError):  # its number is no errno
            words = f"TLS: {(cause.reason or 'connection closed').replace('_', ' ').lower()}"
        elif isinstance(cause, OSError) and cause.strerror:
            # The innermost says most: "Connection refused". Resolvers' numbers are negative.
            words = os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror
        several = getattr(cause, "exceptions", None)  # of a group, one for each address
        cause = several[0] if several else cause.__cause__ or cause.__context__
    return NoResponse(words)
