"""Requests to one server with the SDK of its provider.

The SDK builds a request's address and body and tells success from failure. Repeating a request,
the deadline and the meaning of an answer are this framework's: servers that only resemble the
provider's answer in ways that the SDK's own types do not hold.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from saysel.errors import StageError
from saysel.samplers.remote.http_responses import TimedOut

if TYPE_CHECKING:
    import httpx2

#: An SDK demands a key and would search the environment and files for one. This one never leaves.
NO_KEY = "none"


class SdkClient:
    """Posts JSON to one server, for the time of a `with` block."""

    def __init__(self, sdk: str, base_url: str, headers: Mapping[str, str], timeout: float) -> None:
        """
        Args:
            sdk: class of the SDK's client, as `package:Class`.
            headers: the key and whatever else belongs to the server; it gets no others of the
                SDK's.
            timeout: seconds for one whole attempt.
        """
        self.package, _, self.client_class = sdk.partition(":")
        self.base_url = base_url
        self.headers = headers
        self.timeout = timeout

    async def __aenter__(self) -> Self:
        import httpx2

        from saysel.samplers.remote.bounded_http import BoundedClient

        self._sdk = import_module(self.package)
        try:
            self._client = getattr(self._sdk, self.client_class)(
                api_key=NO_KEY,
                base_url=self.base_url,
                max_retries=0,
                timeout=None,
                http_client=BoundedClient(self.headers),
            )
        except httpx2.InvalidURL as error:
            raise StageError(
                f"{self.base_url}: is no address ({error}): correct base_url"
            ) from None
        except (OSError, ValueError, ImportError) as error:
            raise StageError(
                f"{self.base_url}: connections cannot be set up ({' '.join(str(error).split())}): "
                "check the environment variables SSL_CERT_FILE, HTTP_PROXY, HTTPS_PROXY, ALL_PROXY"
            ) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def post(self, path: str, body: Mapping[str, Any], max_body: int) -> httpx2.Response:
        """The response to one request, whatever its status.

        Args:
            max_body: bytes that the response's body may have, after decompression.

        Raises:
            NoResponse: none arrived in time or at all.
            UnreadableBody: it is too large or wrongly compressed.
        """
        import httpx2

        from saysel.samplers.remote.bounded_http import MAX_BODY

        MAX_BODY.set(max_body)
        # Half a surrogate pair, which models write and UTF-8 cannot hold, becomes a question mark.
        content = json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
        posted = self._client.post(path, cast_to=httpx2.Response, body=content)
        try:
            response: httpx2.Response = await asyncio.wait_for(posted, self.timeout)
        except asyncio.TimeoutError:
            raise TimedOut("the response was not complete in time") from None
        except self._sdk.APIStatusError as error:
            response = error.response
        except self._sdk.APIConnectionError as error:  # holds what `BoundedClient` raised
            raise (error.__cause__ or error) from None
        return response
