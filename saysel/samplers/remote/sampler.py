"""What the samplers that ask a server have in common: options, keys, errors.

One attempt and its failures are in `endpoint`, the requests of a call in `scheduler`.
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

from pydantic import Field, PrivateAttr, field_validator
from typing_extensions import Self

from saysel.costs import ledger
from saysel.costs.usage import Usage
from saysel.errors import MissingExtra, UsageError
from saysel.interfaces import NotFingerprinted, Prompt, Sampler
from saysel.records import Generation, ModelRef
from saysel.samplers.remote import response_cache
from saysel.samplers.remote.api_key import ApiKey
from saysel.samplers.remote.endpoint import Endpoint
from saysel.samplers.remote.response_cache import ResponseStore
from saysel.samplers.remote.scheduler import RequestScheduler


class RemoteSampler(Sampler):
    """Sample from a model at a server.

    Every answer is stored as it arrives, under a key of server, model, revision, prompt, every
    parameter of sampling, seed and sample index: nothing is requested twice.
    """

    remote = True
    metered = True

    #: Name of the API: of the SDK and the extra to install, and part of the key of stored answers.
    api: ClassVar[str]
    #: Class of the SDK's client, as `package:Class`.
    sdk: ClassVar[str]
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
    key_from: NotFingerprinted[str | None] = Field(
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
    concurrency: NotFingerprinted[int] = Field(
        16, ge=1, description="requests under way side by side"
    )
    requests_per_minute: NotFingerprinted[int | None] = Field(
        None, ge=1, description="most requests a minute; null: no limit"
    )
    tokens_per_minute: NotFingerprinted[int | None] = Field(
        None, ge=1, description="most tokens a minute, read and written; null: no limit"
    )
    timeout: NotFingerprinted[float] = Field(
        120.0, gt=0, description="seconds until a whole answer has to be there"
    )
    retries: NotFingerprinted[int] = Field(
        8, ge=0, description="times that a failed request is repeated"
    )
    store: NotFingerprinted[str | None] = Field(
        None, min_length=1, description="SQLite file of responses; null: in the run directory"
    )

    _refusals: list[str] | None = PrivateAttr(None)

    def tolerate_refusals(self, refusals: list[str]) -> Self:
        sampler = self.model_copy()
        sampler._refusals = refusals
        return sampler

    def served_model(self) -> str | None:
        return self.model

    def reply_limit(self) -> int | None:
        return self.max_tokens

    @field_validator("extra")
    @classmethod
    def _is_json(cls, extra: dict[str, Any]) -> dict[str, Any]:
        try:
            json.dumps(extra, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            raise ValueError(
                "must hold only text, finite numbers, true, false, null, lists and mappings"
            ) from None
        return extra

    @field_validator("base_url")
    @classmethod
    def _no_secrets(cls, url: str) -> str:
        if re.search(r"//[^/]*@|[?#]", url):
            raise ValueError("must hold no user, password or query: keys come from the environment")
        try:
            parts = urlsplit(url)
            whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
        except ValueError:  # no port, or half an IPv6 address
            whole = False
        if not whole or not url.isprintable() or " " in url:
            raise ValueError("must be an address such as http://localhost:8000/v1")
        return url.rstrip("/")

    def check_installed(self) -> None:
        # The versions of the SDKs that are needed bring httpx2 along; older ones use another.
        if any(find_spec(package) is None for package in (self.api, "httpx2")):
            raise MissingExtra(self.label, self.api, self.api)

    def check_available(self) -> None:
        self.key.value()

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        self.check_installed()
        self.check_available()
        asked = self._asked(model)
        parameters = {"sampler": self.api, "server": self.base_url, **self.parameters()}
        keys = [
            response_cache.key(asked, self.sent(prompt), parameters, seed) for prompt in prompts
        ]
        book = ledger.current()
        price = book.price(asked.path)
        if book.max_cost is not None and price is None:
            raise UsageError(
                f"{self.label}: max_cost is set, and there is no price of '{asked.path}': name "
                "one in a file of prices"
            )
        stored_in = Path(self.store).expanduser() if self.store else None
        if stored_in is None and book.directory is not None:
            stored_in = book.directory / "responses.sqlite"
        with closing(book.connect()) as open_ledger, closing(ResponseStore(stored_in)) as store:
            endpoint = Endpoint(self, asked.path)
            scheduler = RequestScheduler(endpoint, price, open_ledger, store, seed, self._refusals)
            yield from scheduler.samples(keys, prompts, n)

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

    @property
    def key(self) -> ApiKey:
        """Where the key is that requests carry."""
        usual = self.default_key_from if self.at_default_url else None
        return ApiKey(self.label, self.key_from or usual, self.default_key_from)

    def _asked(self, model: ModelRef) -> ModelRef:
        if self.model is not None:
            return ModelRef(self.model)
        if model.adapter is not None:
            raise UsageError(
                f"{self.label}: the server at {self.base_url} does not have the adapter "
                f"{model.adapter}: use a sampler that loads it, such as transformers or vllm"
            )
        return model

    @property
    def label(self) -> str:
        """The sampler's name, for messages."""
        return f"the sampler '{self.use or self.api}'"
