"""What samplers that ask a server have in common: options, keys, and one call of `sample`.

A call passes through these modules: `scheduler` (many prompts), `requester` (one prompt, with
retries), `endpoint` (one attempt), `sdk_client` and `bounded_http` (one HTTP request).
"""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from typing_extensions import Self

from saysel.costs import ledger
from saysel.costs.ledger import Ledger
from saysel.costs.prices import Price
from saysel.costs.usage import Usage
from saysel.errors import MissingExtra, UsageError
from saysel.interfaces import NotFingerprinted, Prompt, Sampler
from saysel.records import Generation, ModelRef
from saysel.samplers.remote.api_key import ApiKey
from saysel.samplers.remote.endpoint import Endpoint
from saysel.samplers.remote.requester import SampleRequester
from saysel.samplers.remote.response_cache import ResponseCache, request_key
from saysel.samplers.remote.scheduler import RequestScheduler


class RemoteSampler(Sampler):
    """Sample from a model at a server.

    Every response is stored as it arrives, under a key of server, model, revision, prompt,
    sampling parameters, seed and sample index: nothing is requested twice.
    """

    remote = True
    metered = True

    #: Name of the API: of its SDK, of the extra to install, and part of the key of responses.
    api: ClassVar[str]
    #: Class of the SDK's client, as `package:Class`.
    sdk: ClassVar[str]
    #: URL of the provider's own server, the only one to get the provider's key by default.
    default_url: ClassVar[str]
    #: Environment variable of the provider's key.
    default_key_from: ClassVar[str]
    #: What to do about a parameter that the server does not accept.
    parameter_advice: ClassVar[str] = "change that option, or the model's name"
    #: Parameters that `extra` cannot set: costs and the reading of responses depend on them.
    own_parameters: ClassVar[frozenset[str]] = frozenset(
        {"model", "messages", "stream", "max_tokens"}
    )

    model: str | None = Field(
        None, min_length=1, description="the server's name for the model; null: the recipe's model"
    )
    base_url: str = Field(description="URL of the server")
    key_from: NotFingerprinted[str | None] = Field(
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="environment variable with the API key; null: the provider's own variable for "
        "the default base_url, no key for any other",
    )
    max_tokens: int = Field(256, ge=1, description="maximum tokens of a reply")
    top_p: float = Field(
        1.0,
        gt=0,
        le=1,
        description="nucleus sampling: keep the most likely tokens up to this total probability",
    )
    extra: dict[str, Any] = Field(
        default_factory=dict, description="further parameters, sent unchanged with each request"
    )
    concurrency: NotFingerprinted[int] = Field(
        16, ge=1, description="maximum requests in flight at the same time"
    )
    requests_per_minute: NotFingerprinted[int | None] = Field(
        None, ge=1, description="maximum requests per minute; null: no limit"
    )
    tokens_per_minute: NotFingerprinted[int | None] = Field(
        None, ge=1, description="maximum tokens per minute, input and output; null: no limit"
    )
    timeout: NotFingerprinted[float] = Field(
        120.0, gt=0, description="seconds within which a complete response has to arrive"
    )
    retries: NotFingerprinted[int] = Field(
        8, ge=0, description="how often a failed request is retried"
    )
    store: NotFingerprinted[str | None] = Field(
        None, min_length=1, description="SQLite file of responses; null: in the run directory"
    )

    @field_validator("extra")
    @classmethod
    def _is_json(cls, extra: dict[str, Any]) -> dict[str, Any]:
        try:
            json.dumps(extra, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise ValueError(
                "must hold only text, finite numbers, true, false, null, lists and mappings"
            ) from None
        if own := sorted(cls.own_parameters.intersection(extra)):
            raise ValueError(f"must not set {', '.join(own)}: use the sampler's own options")
        return extra

    @field_validator("base_url")
    @classmethod
    def _is_url_without_secrets(cls, url: str) -> str:
        if re.search(r"//[^/]*@|[?#]", url):
            raise ValueError(
                "must not contain a user, password or query: keys come from the environment"
            )
        try:
            parts = urlsplit(url)
            valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
        except ValueError:  # an invalid port or IPv6 address
            valid = False
        if not valid or not url.isprintable() or " " in url:
            raise ValueError("must be a URL such as http://localhost:8000/v1")
        return url.rstrip("/")

    # ------------------------------------------------------------------ contract of `Sampler`

    def check_installed(self) -> None:
        # The SDK versions that are required depend on httpx2; older ones use another package.
        if any(find_spec(package) is None for package in (self.api, "httpx2")):
            raise MissingExtra(self.label, self.api, self.api)

    def check_available(self) -> None:
        self.key.value()

    def tolerate_refusals(self, refusals: list[str]) -> Self:
        sampler = self.model_copy()
        sampler._refusals = refusals
        return sampler

    def served_model(self) -> str | None:
        return self.model

    def reply_limit(self) -> int | None:
        return self.max_tokens

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        self.check_installed()
        self.check_available()
        model, current = self._requested_model(model), ledger.current()
        price = self._price(model.path, current)
        parameters = {"sampler": self.api, "server": self.base_url, **self.parameters()}
        keys = [request_key(model, self.rendered(prompt), parameters, seed) for prompt in prompts]
        with (
            closing(current.connect()) as open_ledger,
            closing(ResponseCache(self._cache_path(current))) as cache,
        ):
            endpoint = Endpoint(self, model.path)
            requester = SampleRequester(endpoint, cache, open_ledger, price, seed)
            yield from RequestScheduler(requester, n, self._refusals).samples(keys, prompts)

    # ----------------------------------------------------------------------- parts of one API

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """Everything that decides a response except model, prompt, n and seed."""

    @abstractmethod
    def request(self, model: str, prompt: Prompt, n: int, seed: int) -> tuple[str, dict[str, Any]]:
        """Path and body of one request for n samples."""

    @abstractmethod
    def headers(self, key: str | None) -> dict[str, str]:
        """The headers of every request."""

    @abstractmethod
    def read_usage(self, content: Mapping[str, Any]) -> Usage | None:
        """The token counts in a response; `None` if they are missing or implausible."""

    @abstractmethod
    def read_samples(self, content: Mapping[str, Any], usage: Usage | None) -> list[Generation]:
        """The samples in a response, without those that are malformed."""

    @abstractmethod
    def url_advice(self) -> str:
        """What to check if the server finds nothing at the URL."""

    def listed_tokens(self) -> int:
        """How many of the most likely tokens a response lists at each place of a reply."""
        return 0

    def rendered(self, prompt: Prompt) -> Prompt | str:
        """The prompt in the form in which it is sent."""
        return prompt

    # --------------------------------------------------------------------------------- server

    @property
    def at_default_url(self) -> bool:
        """Whether requests go to the provider's own server."""
        return self.base_url.lower() == self.default_url

    @property
    def key(self) -> ApiKey:
        """Where to find the key that requests carry."""
        variable = self.key_from or (self.default_key_from if self.at_default_url else None)
        return ApiKey(self.label, variable, self.default_key_from)

    @property
    def label(self) -> str:
        """The sampler's name, for messages."""
        return f"the sampler '{self.use or self.api}'"

    def _requested_model(self, model: ModelRef) -> ModelRef:
        if self.model is not None:
            return ModelRef(self.model)
        if model.adapter is not None:
            raise UsageError(
                f"{self.label}: the server at {self.base_url} does not have the adapter "
                f"{model.adapter}: use a sampler that loads it, such as transformers or vllm"
            )
        return model

    def _price(self, model: str, current: Ledger) -> Price | None:
        price = current.price(model)
        if current.max_cost is not None and self.reply_limit() is None:
            raise UsageError(
                f"{self.label}: max_cost is set, and the server is sent no limit on the tokens of "
                "a reply: remove max_tokens from send_as, or give its name at the server there"
            )
        if current.max_cost is not None and price is None:
            raise UsageError(
                f"{self.label}: max_cost is set, and the price of '{model}' is not known: add it "
                "to a file named under prices"
            )
        return price

    def _cache_path(self, current: Ledger) -> Path | None:
        if self.store is not None:
            return Path(self.store).expanduser()
        return current.directory / "responses.sqlite" if current.directory is not None else None
