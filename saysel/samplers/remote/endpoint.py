"""One attempt to sample from a model at a server, and what its response or failure means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from saysel.errors import StageError
from saysel.interfaces import Prompt
from saysel.samplers.remote.protocol import (
    Answer,
    NoResponse,
    RequestRejected,
    TemporaryFailure,
    TimedOut,
    UnreadableBody,
    UnusableResponse,
    times,
)
from saysel.samplers.remote.responses import (
    clean,
    error_in,
    is_html,
    parse_json,
    retry_after,
    server_message,
)
from saysel.samplers.remote.sdk_client import SdkClient
from saysel.samplers.remote.server_traits import ServerTraits

if TYPE_CHECKING:
    import httpx2

    from saysel.samplers.remote.sampler import RemoteSampler

#: Statuses below 500 with which a server says that the same request may succeed later.
TEMPORARY_STATUSES = frozenset({408, 409, 425, 429})
#: Statuses about one request: rejected content, too long, or an unknown parameter.
REJECTED_STATUSES = frozenset({400, 413, 422})
#: Longest wait that a server may ask for; if it asks for more, the stage fails at once.
MAX_RETRY_AFTER_SECONDS = 3600.0
#: Size limit of a response: a fixed part, and more for each token that it may hold, and for each
#: of the most likely tokens at its place.
BODY_BYTES = 4 << 20
BODY_BYTES_PER_TOKEN = 1 << 10


class Endpoint:
    """A model at a server, as described by a sampler's options.

    Attributes:
        sampler: the options, and how its API writes requests and reads responses.
        model: the server's name for the model.
        traits: what is known about the server.
    """

    def __init__(self, sampler: RemoteSampler, model: str) -> None:
        self.sampler = sampler
        self.model = model
        self.traits = ServerTraits.of(sampler.api, sampler.base_url, model)

    def connect(self) -> SdkClient:
        """A client with the key and the time limit of the sampler."""
        sampler = self.sampler
        headers = sampler.headers(sampler.key.value())
        return SdkClient(sampler.sdk, sampler.base_url, headers, sampler.timeout)

    async def ask(self, client: SdkClient, prompt: Prompt, n: int, seed: int) -> Answer:
        """Request n samples once.

        Raises:
            UnusableResponse: a response arrived, but holds no sample.
            TemporaryFailure: no response arrived, or the server is busy or fails.
            RequestRejected: the server rejects this request.
            StageError: no request will succeed; the message does not contain the key.
        """
        path, body = self.sampler.request(self.model, prompt, n, seed)
        tokens = n * self.sampler.max_tokens * (1 + self.sampler.listed_tokens())
        max_bytes = BODY_BYTES + BODY_BYTES_PER_TOKEN * tokens
        try:
            response = await client.post(path, body, max_bytes)
        except UnreadableBody as error:
            raise UnusableResponse(str(error)) from None
        except NoResponse as error:
            raise self._unreachable(error) from None
        if not response.is_success:
            raise self._failed(response.status_code, response)
        return self._answer(response)

    def failure(self, reason: str) -> StageError:
        """An error about the server, on one line."""
        return StageError(f"{self.sampler.label}: {self.sampler.base_url}: {reason}")

    def _unreachable(self, error: NoResponse) -> Exception:
        """What it means that no response arrived."""
        tried = times(self.sampler.retries + 1)
        if isinstance(error, TimedOut):
            return TemporaryFailure(
                self.failure(
                    f"no complete response within {self.sampler.timeout:g} seconds, {tried}: raise "
                    "timeout, or find out what slows the server down"
                )
            )
        reason = clean(str(error), *self.sampler.key.secrets())
        if error.certificate:
            return self.failure(
                f"its certificate is not trusted ({reason}): correct base_url, or name the "
                "certificate of your authority in the environment variable SSL_CERT_FILE"
            )
        return TemporaryFailure(
            self.failure(
                f"cannot be reached ({reason}), tried {tried}: check that the server runs, and "
                "check base_url"
            )
        )

    def _answer(self, response: httpx2.Response) -> Answer:
        """The samples in a response with a status of success."""
        content = self._content(response)
        usage, samples = None, []
        if isinstance(content, dict):
            usage = self.sampler.read_usage(content)
            samples = self.sampler.read_samples(content, usage)
        error = error_in(content)
        if error is not None and not any(sample.text.strip() for sample in samples):
            code = error.get("code") if isinstance(error, dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 500
            raise self._failed(status, response)
        if not samples:
            message = self._message(response.content)
            raise UnusableResponse(f"the response holds no choice ({message})", usage)
        return Answer(samples, usage)

    def _content(self, response: httpx2.Response) -> Any:
        """The JSON of a response."""
        try:
            return parse_json(response.content)
        except ValueError as error:
            message = self._message(response.content) or "it is empty"
            if is_html(response.content):
                raise self.failure(
                    f"a web page came instead of JSON ({message}): {self.sampler.url_advice()}"
                ) from None
            raise UnusableResponse(f"the response is {error} ({message})") from None

    def _failed(self, status: int, response: httpx2.Response) -> Exception:
        """What a status of failure means, with the server's own message."""
        message = self._message(response.content) or "no reason given"
        if 300 <= status < 400:
            location = response.headers.get("location", "another URL")
            target = clean(location, *self.sampler.key.secrets())
            return self.failure(
                f"the server redirects to {target}, which is not followed: set base_url to it"
            )
        # A key that was accepted before is not the cause: gateways answer 403 to a prompt, too.
        if status == 401 or (status == 403 and not self.traits.accepted):
            return self.failure(f"{self.sampler.key.refused(status)}; the server says: {message}")
        if status in TEMPORARY_STATUSES or status >= 500:
            return self._temporary(status, message, retry_after(response.headers))
        refused = f"the server refuses the request (status {status}): {message}"
        if status in REJECTED_STATUSES or status == 403:
            return RequestRejected(refused)
        if status in (404, 405):
            advice = self.sampler.url_advice()
            refused += f"; {advice}, and that the server has the model '{self.model}'"
        return self.failure(refused)

    def _temporary(self, status: int, message: str, wait: float | None) -> Exception:
        """A failure that may pass; final if the server asks for too long a wait."""
        asks = f" (the server asks for a wait of {wait:.0f} seconds)" if wait else ""
        failure = self.failure(
            f"status {status}: {message}{asks}; tried up to {times(self.sampler.retries + 1)}, and "
            "the responses so far are kept: run again later"
        )
        if wait is not None and wait > MAX_RETRY_AFTER_SECONDS:
            return failure
        return TemporaryFailure(failure, status, wait)

    def _message(self, body: bytes) -> str:
        """The server's own message in a body, without the key."""
        return server_message(body, *self.sampler.key.secrets())
