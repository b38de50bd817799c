"""JSON over HTTP to a server that is not trusted: bounded in time, in size and in depth.

One attempt ends after `timeout` seconds, however the server spreads its answer over them. A body
is read up to a limit, counted after decompression. Redirects are not followed, so that neither
key nor prompt reaches another host than the one in the recipe.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import ssl
import time
import zlib
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from typing_extensions import Self

from saysel.errors import StageError

if TYPE_CHECKING:
    import httpx2


class HttpResponse(NamedTuple):
    """A whole response.

    Attributes:
        status: HTTP status.
        headers: their names in lower case.
        body: decompressed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoResponse(Exception):
    """No whole response arrived: no connection, a broken one, or not in time.

    Attributes:
        certificate: whether the server's certificate is the reason; trying again will not help.
    """

    def __init__(self, reason: str, certificate: bool = False) -> None:
        super().__init__(reason)
        self.certificate = certificate


class TimedOut(NoResponse):
    """The response was not complete within the time allowed."""


class UnreadableBody(Exception):
    """A response arrived whose body is too large or cannot be decompressed."""


class JsonClient:
    """Posts JSON to one server, for the time of a `with` block."""

    def __init__(self, base_url: str, headers: Mapping[str, str], timeout: float) -> None:
        """
        Args:
            timeout: seconds for one whole attempt.
        """
        self.base_url = base_url
        self.headers = headers
        self.timeout = timeout

    async def __aenter__(self) -> Self:
        import httpx2

        try:
            self._client = httpx2.AsyncClient(
                headers={**self.headers, "accept-encoding": "gzip"},
                timeout=None,  # the whole attempt has a deadline
                follow_redirects=False,
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
            )
        except (OSError, ValueError, ImportError) as error:
            # What the environment says about certificates and proxies is of no use.
            raise StageError(
                f"{self.base_url}: connections cannot be set up ({' '.join(str(error).split())}): "
                "check the environment variables SSL_CERT_FILE, HTTP_PROXY, HTTPS_PROXY, ALL_PROXY"
            ) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def post(self, path: str, body: Mapping[str, Any], max_body: int) -> HttpResponse:
        """The response to one request.

        Args:
            max_body: bytes that the response's body may have, after decompression.

        Raises:
            NoResponse: none arrived in time or at all.
            UnreadableBody: it is too large or wrongly compressed.
        """
        import httpx2

        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        try:
            return await asyncio.wait_for(self._posted(path, content, max_body), self.timeout)
        except asyncio.TimeoutError:
            raise TimedOut("the response was not complete in time") from None
        except (httpx2.TransportError, httpx2.InvalidURL, OSError) as error:
            raise _no_response(error) from None

    async def _posted(self, path: str, content: bytes, max_body: int) -> HttpResponse:
        request = self._client.build_request(
            "POST",
            f"{self.base_url}{path}",
            content=content,
            headers={"content-type": "application/json"},
        )
        response = await self._client.send(request, stream=True)
        try:
            body = await _read(response, max_body)
        finally:
            await response.aclose()
        return HttpResponse(response.status_code, dict(response.headers), body)


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


def parse_json(body: bytes) -> Any:
    """A JSON body; whole numbers of 300 digits and more become infinite.

    Raises:
        ValueError: it is no JSON, or nested more deeply than Python reads.
    """
    try:
        return json.loads(body.decode("utf-8-sig", "replace"), parse_int=_integer)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None
    except json.JSONDecodeError:
        raise ValueError("no JSON") from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 300 else float(digits)


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
        if isinstance(cause, OSError) and cause.strerror:
            # The innermost says most: "Connection refused". Resolvers' numbers are negative.
            words = os.strerror(cause.errno) if cause.errno and cause.errno > 0 else cause.strerror
        several = getattr(cause, "exceptions", None)  # of a group, one for each address
        cause = several[0] if several else cause.__cause__ or cause.__context__
    return NoResponse(words)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: a number or a date; `None` if it does not say."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name, "")
        try:
            seconds = float(value) * unit
        except ValueError:
            try:
                seconds = parsedate_to_datetime(value).timestamp() - time.time()
            except (ValueError, TypeError, OverflowError):
                continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None
