"""The HTTP client below a provider's SDK, for servers that are not trusted.

The SDK makes the URL and the body of a request. Its headers are replaced: an SDK takes keys,
accounts and other headers from a dozen environment variables and files, none of which is meant for
any server but the provider's. Redirects are not followed for the same reason. Bodies are read up
to a size limit, which counts decompressed bytes.
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
from saysel.samplers.remote.protocol import NoResponse, UnreadableBody

#: Size limit for the body of the next response, after decompression. Each request has its own, and
#: the SDKs have no argument for it.
MAX_BODY_BYTES: ContextVar[int] = ContextVar("MAX_BODY_BYTES")
#: Headers of every request, in addition to `Host` and `Content-Length`.
REQUEST_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "Content-Type": "application/json",
    "User-Agent": f"saysel/{saysel.__version__}",
}
#: Headers of a response that are kept. Others could only mislead, such as a wrong character set.
RESPONSE_HEADERS = (b"location", b"retry-after", b"retry-after-ms")
#: Characters of an unknown content encoding that a message shows.
MAX_SHOWN_ENCODING = 40


class BoundedClient(httpx2.AsyncClient):
    """Sends what an SDK has built, and returns complete responses of limited size."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """
        Args:
            headers: the key and other headers for the server.

        Raises:
            OSError, ValueError, ImportError: the certificates or proxies that the environment
                names cannot be used.
        """
        super().__init__(
            timeout=None,  # the caller limits the time of a whole attempt
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
        )
        self._own_headers = {**REQUEST_HEADERS, **headers}

    async def send(self, request: httpx2.Request, **_: Any) -> httpx2.Response:
        """The response to a request, with its whole body.

        Raises:
            NoResponse: none arrived.
            UnreadableBody: its body is too large or wrongly compressed.
        """
        own_request = httpx2.Request(
            request.method, request.url, headers=self._own_headers, content=request.content
        )
        try:
            response = await super().send(
                own_request, stream=True, auth=None, follow_redirects=False
            )
            try:
                body = await _read(response, MAX_BODY_BYTES.get())
            finally:
                await response.aclose()
        # Early versions of httpx2 do not convert errors that break off a TLS handshake.
        except (httpx2.TransportError, OSError, anyio.EndOfStream) as error:
            raise _no_response(error) from None
        headers = [pair for pair in response.headers.raw if pair[0].lower() in RESPONSE_HEADERS]
        return httpx2.Response(
            response.status_code, headers=headers, content=body, request=own_request
        )


async def _read(response: httpx2.Response, max_bytes: int) -> bytes:
    """The whole body; reading stops at the limit."""
    decompress = _decompressor(response.headers.get("content-encoding", ""))
    body = bytearray()
    async for chunk in response.aiter_raw():
        try:
            body += decompress(chunk, max_bytes + 1 - len(body))
        except zlib.error:
            raise UnreadableBody("its body is wrongly compressed") from None
        if len(body) > max_bytes:
            raise UnreadableBody(f"its body is larger than {max_bytes >> 20} MB")
    return bytes(body)


def _decompressor(encoding: str) -> Callable[[bytes, int], bytes]:
    """A function of the next compressed bytes and of the most bytes to return."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return lambda chunk, limit: chunk[:limit]
    if encoding not in ("gzip", "x-gzip", "deflate"):
        shown = encoding[:MAX_SHOWN_ENCODING]
        raise UnreadableBody(f"its body is compressed as '{shown}', which was not requested")
    gzip_or_zlib = zlib.decompressobj(32 + zlib.MAX_WBITS)  # recognised by its header
    return lambda chunk, limit: gzip_or_zlib.decompress(chunk, limit)


def _no_response(error: Exception) -> NoResponse:
    """Why no response arrived; exceptions of HTTP libraries often have no message."""
    reason = " ".join(str(error).split()) or type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NoResponse(cause.verify_message or "not trusted", certificate=True)
        if isinstance(cause, ssl.SSLError):  # its errno is not the system's
            reason = f"TLS: {(cause.reason or 'connection closed').replace('_', ' ').lower()}"
        elif isinstance(cause, OSError) and cause.strerror:
            # The innermost is the most specific: "Connection refused". Resolvers' are negative.
            reason = os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror
        addresses = getattr(cause, "exceptions", None)  # an exception group, one per address
        cause = addresses[0] if addresses else cause.__cause__ or cause.__context__
    return NoResponse(reason)
