"""One attempt to ask a model at a server, and what an answer or a failure means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saysel.errors import StageError
from saysel.interfaces import Prompt
from saysel.samplers.remote.http_responses import (
    NoResponse,
    TimedOut,
    UnreadableBody,
    parse_json,
    retry_after,
)
from saysel.samplers.remote.protocol import Answer, RequestRefused, TryAgain, Unusable, times
from saysel.samplers.remote.sdk_client import SdkClient
from saysel.samplers.remote.server_messages import clean, error_in, is_html, server_message
from saysel.samplers.remote.server_traits import ServerTraits

if TYPE_CHECKING:
    import httpx2

    from saysel.samplers.remote.sampler import RemoteSampler

#: Statuses below 500 with which a server says that the same request may succeed later.
TRY_AGAIN = frozenset({408, 409, 425, 429})
#: Statuses about one request: rejected content, too long, or a parameter that is not accepted.
REQUEST_REFUSED = frozenset({400, 413, 422})
#: Longest wait that a server may ask for, in seconds.
MAX_RETRY_AFTER = 3600.0
#: Bytes that a response may have, and as many more for each token that it may hold.
BODY_BYTES, BODY_BYTES_PER_TOKEN = 4 << 20, 1 << 10


class Endpoint:
    """A model at a server, as a sampler's options describe it.

    Attributes:
        sampler: the options, and how its API writes requests and reads answers.
        model: the server's name for the model.
        traits: what is known about the server.
    """

    def __init__(self, sampler: RemoteSampler, model: str) -> None:
        self.sampler = sampler
        self.model = model
        self.traits = ServerTraits.of(sampler.api, sampler.base_url, model)

    def connect(self) -> SdkClient:
        """A client with the key and the recipe's limit of time."""
        sampler = self.sampler
        headers = sampler.headers(sampler.key.value())
        return SdkClient(sampler.sdk, sampler.base_url, headers, sampler.timeout)

    async def ask(self, client: SdkClient, prompt: Prompt, n: int, seed: int) -> Answer:
        """Ask once for n samples.

        Raises:
            Unusable: a response came that holds no sample.
            TryAgain: none came, or the server is busy or fails.
            RequestRefused: the server rejects this request.
            StageError: no request will succeed; the message does not contain the key.
        """
        sampler = self.sampler
        path, body = sampler.request(self.model, prompt, n, seed)
        max_body = BODY_BYTES + BODY_BYTES_PER_TOKEN * n * sampler.max_tokens
        tried = times(sampler.retries + 1)
        try:
            response = await client.post(path, body, max_body)
        except TimedOut:
            failure = self.failure(
                f"no whole answer within {sampler.timeout:g} seconds, {tried}: raise timeout, or "
                "see what slows the server down"
            )
            raise TryAgain(failure) from None
        except NoResponse as error:
            reason = clean(str(error), *sampler.key.secrets())
            if error.certificate:
                raise self.failure(
                    f"its certificate is not trusted ({reason}): correct base_url, or name the "
                    "certificate of your authority in the environment variable SSL_CERT_FILE"
                ) from None
            failure = self.failure(
                f"cannot be reached ({reason}), tried {tried}: check that the server runs and that "
                "base_url is right"
            )
            raise TryAgain(failure) from None
        except UnreadableBody as error:
            raise Unusable(str(error)) from None
        if not response.is_success:
            raise self._failed(response.status_code, response)
        return self._answer(response)

    def _answer(self, response: httpx2.Response) -> Answer:
        """The samples of a response with a status of success."""
        try:
            content = parse_json(response.content)
        except ValueError as error:
            message = self._shown(response.content) or "it is empty"
            if is_html(response.content):
                raise self.failure(
                    f"a web page came instead of JSON ({message}): {self.sampler.address_advice()}"
                ) from None
            raise Unusable(f"the response is {error} ({message})") from None
        usage, samples = None, []
        if isinstance(content, dict):
            usage = self.sampler.usage(content)
            samples = self.sampler.read(content, usage)
        reported = error_in(content)
        if reported is not None and not any(one.text.strip() for one in samples):
            code = reported.get("code") if isinstance(reported, dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 500
            raise self._failed(status, response)
        if not samples:
            raise Unusable(f"the response holds no choice ({self._shown(response.content)})", usage)
        return Answer(samples, usage)

    def failure(self, reason: str) -> StageError:
        """One line about the server."""
        return StageError(f"{self.sampler.label}: {self.sampler.base_url}: {reason}")

    def _failed(self, status: int, response: httpx2.Response) -> Exception:
        """What a status of failure means, with the server's own words."""
        message = self._shown(response.content) or "no reason given"
        if 300 <= status < 400:
            location = response.headers.get("location", "another address")
            target = clean(location, *self.sampler.key.secrets())
            return self.failure(
                f"the server redirects to {target}, which is not followed: set base_url to it"
            )
        # A key that was accepted before is not the reason: gateways answer 403 to a prompt, too.
        if status == 401 or (status == 403 and not self.traits.accepted):
            return self.failure(f"{self.sampler.key.refused(status)}; the server says: {message}")
        if status in TRY_AGAIN or status >= 500:
            wait = retry_after(response.headers)
            asks = f" (the server asks for a wait of {wait:.0f} seconds)" if wait else ""
            tried = times(self.sampler.retries + 1)
            failure = self.failure(
                f"status {status}: {message}{asks}; it was tried up to {tried}, and what has "
                "arrived is kept: run again later"
            )
            return failure if (wait or 0) > MAX_RETRY_AFTER else TryAgain(failure, status, wait)
        refused = f"the server refuses the request (status {status}): {message}"
        if status in REQUEST_REFUSED or status == 403:
            return RequestRefused(refused)
        if status in (404, 405):
            advice = self.sampler.address_advice()
            refused += f"; {advice}, and that the server has the model '{self.model}'"
        return self.failure(refused)

    def _shown(self, body: bytes) -> str:
        """The server's words in a body, without the key."""
        return server_message(body, *self.sampler.key.secrets())
