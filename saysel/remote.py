"""What the samplers that ask a server have in common: options, keys, errors.

The requests themselves are scheduled in `saysel.asking`; HTTP is in `saysel.http_client`.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr, field_validator
from typing_extensions import Self

from saysel import ledger
from saysel.api_key import ApiKey
from saysel.asking import RequestScheduler
from saysel.errors import MissingExtra, StageError, UsageError
from saysel.http_client import (
    HttpResponse,
    JsonClient,
    NoResponse,
    TimedOut,
    UnreadableBody,
    parse_json,
    retry_after,
)
from saysel.interfaces import Prompt, Sampler, Throughput
from saysel.protocol import Answer, RequestRefused, TryAgain, Unusable, Usage, times
from saysel.records import Generation, ModelRef
from saysel.responses import ResponseStore, key
from saysel.server_messages import clean, error_in, is_html, server_message

#: Statuses below 500 with which a server says that the same request may succeed later.
TRY_AGAIN = frozenset({408, 409, 425, 429})
#: Statuses about one request: rejected content, too long, or a parameter that is not accepted.
REQUEST_REFUSED = frozenset({400, 413, 422})
#: Longest wait that a server may ask for, in seconds.
MAX_RETRY_AFTER = 3600.0
#: Bytes that a response may have, and as many more for each token that it may hold.
BODY_BYTES, BODY_BYTES_PER_TOKEN = 4 << 20, 1 << 10


class RemoteSampler(Sampler):
    """Sample from a model at a server.

    Every answer is stored as it arrives, under a key of server, model, revision, prompt, every
    parameter of sampling, seed and sample index: nothing is requested twice.
    """

    remote = True
    metered = True

    #: Name of the API: of the extra to install, and part of the key of stored answers.
    api: ClassVar[str]
    #: Address of the provider's own server. Only it gets the provider's key without being named.
    default_url: ClassVar[str]
    #: Environment variable of the provider's key.
    default_key_from: ClassVar[str]
    #: What to do about a parameter that the server does not accept.
    parameter_advice: ClassVar[str] = "change that option, or the model's name"

    model: str | None = Field(
        None, min_length=1, description="the server's name for the model; null: the recipe's model"
    )
    base_url: str = Field(description="address of the server")
    key_from: Throughput[str | None] = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="environment variable that holds the key; null: the provider's usual one for "
        "the default base_url, no key for any other",
    )
    max_tokens: int = Field(256, ge=1, description="a reply ends here at the latest")
    top_p: float = Field(1.0, gt=0, le=1, description="keep the likeliest tokens up to this mass")
    extra: dict[str, Any] = Field(
        default_factory=dict, description="further parameters, sent with each request as they are"
    )
    concurrency: Throughput[int] = Field(16, ge=1, description="requests under way side by side")
    requests_per_minute: Throughput[int | None] = Field(
        None, ge=1, description="most requests a minute; null: no limit"
    )
    tokens_per_minute: Throughput[int | None] = Field(
        None, ge=1, description="most tokens a minute, read and written; null: no limit"
    )
    timeout: Throughput[float] = Field(
        120.0, gt=0, description="seconds until a whole answer has to be there"
    )
    retries: Throughput[int] = Field(8, ge=0, description="times that a failed request is repeated")
    store: Throughput[str | None] = Field(
        None, min_length=1, description="SQLite file of responses; null: in the run directory"
    )

    _refusals: list[str] | None = PrivateAttr(None)

    def lenient(self, refusals: list[str]) -> Self:
        sampler = self.model_copy()
        sampler._refusals = refusals
        return sampler

    def served_model(self) -> str | None:
        return self.model

    def reply_limit(self) -> int | None:
        return self.max_tokens

    @field_validator("base_url")
    @classmethod
    def _no_secrets(cls, url: str) -> str:
        if not re.match(r"https?://[^/\s]+", url):
            raise ValueError("must start with http:// or https:// and name a server")
        if re.search(r"//[^/]*@|[?#\s]", url):
            raise ValueError("must hold no user, password or query: keys come from the environment")
        return url.rstrip("/")

    def ready(self) -> None:
        if find_spec("httpx2") is None:
            raise MissingExtra(self._name, "httpx2", self.api)
        self._key.value()

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        self.ready()
        asked = self._asked(model)
        parameters = {"sampler": self.api, "server": self.base_url, **self.parameters()}
        keys = [key(asked, self.sent(prompt), parameters, seed) for prompt in prompts]
        book = ledger.current()
        price = book.price(asked.path)
        if book.max_cost is not None and price is None:
            raise UsageError(
                f"{self._name}: max_cost is set, and there is no price of '{asked.path}': name "
                "one in a file of prices"
            )
        stored_in = Path(self.store).expanduser() if self.store else None
        if stored_in is None and book.directory is not None:
            stored_in = book.directory / "responses.sqlite"
        open_ledger, store = book.account(), ResponseStore(stored_in)
        try:
            scheduler = RequestScheduler(
                self, asked.path, price, open_ledger, store, seed, self._refusals
            )
            yield from scheduler.samples(keys, prompts, n)
        finally:
            open_ledger.close()
            store.close()

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """Everything that decides the answer besides model, prompt, n and seed."""

    @abstractmethod
    def request(self, model: str, prompt: Prompt, n: int, seed: int) -> tuple[str, dict[str, Any]]:
        """Path and body of one request for n samples."""

    @abstractmethod
    def usage(self, content: Mapping[str, Any]) -> Usage | None:
        """The tokens that an answer reports; `None` if it reports none, or nonsense."""

    @abstractmethod
    def read(self, content: Mapping[str, Any], usage: Usage | None) -> list[Generation]:
        """The samples in an answer; those of no use are left out."""

    @abstractmethod
    def headers(self, key: str | None) -> dict[str, str]:
        """The headers that go with every request."""

    @abstractmethod
    def address_advice(self) -> str:
        """What to see to where the server has nothing at the address."""

    def sent(self, prompt: Prompt) -> Prompt | str:
        """The prompt as it is sent."""
        return prompt

    @property
    def at_default_url(self) -> bool:
        """Whether requests go to the provider's own server."""
        return self.base_url.lower() == self.default_url

    def connect(self) -> JsonClient:
        """A client with the key and the recipe's limit of time."""
        return JsonClient(self.base_url, self.headers(self._key.value()), self.timeout)

    async def ask(
        self, client: JsonClient, model: str, prompt: Prompt, n: int, seed: int
    ) -> Answer:
        """Ask once for n samples.

        Raises:
            Unusable: a response came that holds no sample.
            TryAgain: none came, or the server is busy or fails.
            RequestRefused: the server rejects this request.
            StageError: no request will succeed; the message does not contain the key.
        """
        path, body = self.request(model, prompt, n, seed)
        tried = times(self.retries + 1)
        try:
            max_body = BODY_BYTES + BODY_BYTES_PER_TOKEN * n * self.max_tokens
            response = await client.post(path, body, max_body)
        except TimedOut:
            failure = self.failure(
                f"no whole answer within {self.timeout:g} seconds, {tried}: raise timeout, or see "
                "what slows the server down"
            )
            raise TryAgain(failure) from None
        except NoResponse as error:
            reason = clean(str(error), *self._key.secrets())
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
        if not 200 <= response.status < 300:
            raise self._failed(response.status, response, model)
        return self._answer(response, model)

    def _answer(self, response: HttpResponse, model: str) -> Answer:
        """The samples of a response with a status of success."""
        message = self._shown(response.body)
        try:
            content = parse_json(response.body)
        except ValueError as error:
            if is_html(response.body):
                raise self.failure(
                    f"a web page came instead of JSON ({message}): {self.address_advice()}"
                ) from None
            nested = "nested" in str(error)
            reason = f"the response is {'JSON nested too deeply' if nested else 'no JSON'}"
            raise Unusable(f"{reason} ({message})" if message else reason) from None
        reported = error_in(content)
        if reported is not None:
            code = reported.get("code") if isinstance(reported, dict) else None
            status = code if isinstance(code, int) and 400 <= code < 600 else 500
            raise self._failed(status, response, model)
        if not isinstance(content, dict):
            raise Unusable(f"the response holds no choice ({message})")
        usage = self.usage(content)
        samples = self.read(content, usage)
        if not samples:
            raise Unusable(f"the response holds no choice ({message})", usage)
        return Answer(samples, usage)

    def failure(self, reason: str) -> StageError:
        """One line about the server."""
        return StageError(f"{self._name}: {self.base_url}: {reason}")

    def _failed(self, status: int, response: HttpResponse, model: str) -> Exception:
        """What a status of failure means, with the server's own words."""
        message = self._shown(response.body) or "no reason given"
        if 300 <= status < 400:
            target = clean(
                response.headers.get("location", "another address"), *self._key.secrets()
            )
            return self.failure(
                f"the server redirects to {target}, which is not followed: set base_url to it"
            )
        if status in (401, 403):
            return self.failure(f"{self._key.refused(status)}; the server says: {message}")
        if status in TRY_AGAIN or status >= 500:
            wait = retry_after(response.headers)
            asks = f" (the server asks for a wait of {wait:.0f} seconds)" if wait else ""
            failure = self.failure(
                f"status {status}: {message}{asks}; it was tried up to {times(self.retries + 1)}, "
                "and what has arrived is kept: run again later"
            )
            return failure if (wait or 0) > MAX_RETRY_AFTER else TryAgain(failure, status, wait)
        refused = f"the server refuses the request (status {status}): {message}"
        if status in REQUEST_REFUSED:
            return RequestRefused(refused)
        if status in (404, 405):
            refused += f"; {self.address_advice()}, and that the server has the model '{model}'"
        return self.failure(refused)

    @property
    def _key(self) -> ApiKey:
        usual = self.default_key_from if self.at_default_url else None
        return ApiKey(self._name, self.key_from or usual, self.default_key_from)

    def _shown(self, body: bytes) -> str:
        """The server's words in a body, without the key."""
        return server_message(body, *self._key.secrets())

    def _asked(self, model: ModelRef) -> ModelRef:
        if self.model is not None:
            return ModelRef(self.model)
        if model.adapter is not None:
            raise UsageError(
                f"{self._name}: the server at {self.base_url} does not have the adapter "
                f"{model.adapter}: use a sampler that loads it, such as transformers or vllm"
            )
        return model

    @property
    def _name(self) -> str:
        return f"the sampler '{self.use or self.api}'"
