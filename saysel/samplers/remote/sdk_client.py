"""Requests to one server through its provider's SDK.

The SDK builds the URL and the body of a request and tells success from failure. Retries, the
deadline and the reading of responses are this package's own: servers that only resemble the
provider's return content that does not fit the SDK's types.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from saysel.errors import StageError
from saysel.samplers.remote.protocol import TimedOut

if TYPE_CHECKING:
    import httpx2

#: SDKs require a key and would otherwise search the environment and files for one. It is not sent.
PLACEHOLDER_KEY = "none"


class SdkClient:
    """Posts JSON to one server inside an `async with` block."""

    def __init__(self, sdk: str, base_url: str, headers: Mapping[str, str], timeout: float) -> None:
        """
        Args:
            sdk: class of the SDK's client, as `package:Class`.
            headers: the key and other headers for this server; those of the SDK are not sent.
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
            httpx2.URL(self.base_url)
        except httpx2.InvalidURL as error:
            raise StageError(
                f"{self.base_url}: is not a valid URL ({error}): correct base_url"
            ) from None
        try:
            self._client = getattr(self._sdk, self.client_class)(
                api_key=PLACEHOLDER_KEY,
                base_url=self.base_url,
                max_retries=0,
                timeout=None,
                http_client=BoundedClient(self.headers),
            )
        except httpx2.InvalidURL:  # its reason may quote the password
            raise StageError(
                f"{self.base_url}: the proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY is not a "
                "valid URL: correct it; write a slash in its password as %2F"
            ) from None
        except (OSError, ValueError, ImportError) as error:
            raise StageError(
                f"{self.base_url}: connections cannot be set up ({' '.join(str(error).split())}): "
                "check the environment variables SSL_CERT_FILE, HTTP_PROXY, HTTPS_PROXY, ALL_PROXY"
            ) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def post(self, path: str, body: Mapping[str, Any], max_bytes: int) -> httpx2.Response:
        """The response to one request, whatever its status.

        Args:
            max_bytes: size limit of the response's body, after decompression.

        Raises:
            NoResponse: none arrived, or not in time.
            UnreadableBody: its body is too large or wrongly compressed.
        """
        import httpx2

        from saysel.samplers.remote.bounded_http import MAX_BODY_BYTES

        MAX_BODY_BYTES.set(max_bytes)
        # Unpaired surrogates, which models write and UTF-8 cannot encode, become question marks.
        content = json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
        posted = self._client.post(path, cast_to=httpx2.Response, body=content)
        try:
            response: httpx2.Response = await asyncio.wait_for(posted, self.timeout)
        except asyncio.TimeoutError:
            raise TimedOut("the response was not complete in time") from None
        except self._sdk.APIStatusError as error:
            response = error.response
        except self._sdk.APIConnectionError as error:  # wraps what `BoundedClient` raised
            raise (error.__cause__ or error) from None
        return response
