"""What samplers share that ask a model at a server, through an official SDK.

The SDKs retry what is worth retrying (408, 409, 429, 5xx, broken connections, time-outs), wait as
long as `Retry-After` says or ever longer with jitter, and their classes of errors have the same
names. What comes back whole but is of no use is asked for again in `saysel.asking`.
"""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import Field, PrivateAttr, field_validator
from typing_extensions import Self

from saysel import ledger
from saysel.asking import Asking, PromptRefused
from saysel.errors import MissingExtra, StageError, UsageError
from saysel.interfaces import Prompt, Sampler, Throughput
from saysel.records import Generation, ModelRef
from saysel.responses import ResponseStore, key

#: Statuses with which a server says that the same request may succeed later.
LATER = frozenset({408, 409, 429})
#: Statuses that are about one prompt: not to its taste, too long, not to be processed.
THIS_PROMPT = frozenset({400, 413, 422})
#: Seconds of `Retry-After` up to which every SDK waits by itself, and the most that are waited.
SHORT_WAIT, LONG_WAIT = 60.0, 3600.0


class Usage(NamedTuple):
    """Tokens that a server counted for one request."""

    input: int
    output: int


class Answer(NamedTuple):
    """What came back for one request; no usage where the server does not count."""

    samples: list[Generation]
    usage: Usage | None


class Unusable(Exception):
    """An answer came back, and there is nothing in it: worth asking again.

    Attributes:
        usage: what it cost all the same, where the server says so.
    """

    def __init__(self, reason: str, usage: Usage | None = None) -> None:
        super().__init__(reason)
        self.usage = usage


class Waiting(Exception):
    """The server asks for a longer wait than the SDK sits through.

    Attributes:
        seconds: how long.
    """

    def __init__(self, reason: str, seconds: float) -> None:
        super().__init__(reason)
        self.seconds = seconds


class RemoteSampler(Sampler):
    """Sample from a model at a server.

    Every answer is stored as it arrives, under a key of server, model, revision, prompt, every
    parameter of sampling, seed and sample index: nothing is asked for twice.
    """

    remote = True

    #: The SDK's package, which is also the name of the extra.
    package: ClassVar[str]
    #: Where the requests go by default; only this server insists on a key.
    home: ClassVar[str]
    #: Most samples that one request can give.
    most: ClassVar[int]

    model: str | None = Field(
        None, min_length=1, description="the server's name for the model; null: the recipe's model"
    )
    base_url: str = Field(description="address of the server")
    key_from: Throughput[str] = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="environment variable that holds the key"
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
    timeout: Throughput[float] = Field(120.0, gt=0, description="seconds to wait for an answer")
    retries: Throughput[int] = Field(8, ge=0, description="times that a failed request is repeated")
    store: Throughput[str | None] = Field(
        None, min_length=1, description="SQLite file of responses; null: in the run directory"
    )

    _refusals: list[str] | None = PrivateAttr(None)

    def lenient(self, refusals: list[str]) -> Self:
        made = self.model_copy()
        made._refusals = refusals
        return made

    @field_validator("base_url")
    @classmethod
    def _no_secrets(cls, url: str) -> str:
        if not re.match(r"https?://[^/]", url):
            raise ValueError("must start with http:// or https://")
        if re.search(r"//[^/]*@|[?#]", url):
            raise ValueError("must hold no user, password or query: keys come from the environment")
        return url.rstrip("/")

    def ready(self) -> None:
        if find_spec(self.package) is None:
            raise MissingExtra(self._name, self.package, self.package)
        self._key()

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        self.ready()
        asked = self._asked(model)
        parameters = {"sampler": self.package, "server": self.base_url, **self.parameters()}
        keys = [key(asked, self.sent(prompt), parameters, seed) for prompt in prompts]
        book = ledger.current()
        price = book.price(asked.path)
        if book.max_cost is not None and price is None:
            raise UsageError(
                f"{self._name}: max_cost is set, and there is no price of '{asked.path}': name "
                "one in a file of prices"
            )
        kept = Path(self.store).expanduser() if self.store else None
        if kept is None and book.directory is not None:
            kept = book.directory / "responses.sqlite"
        account, store = book.account(), ResponseStore(kept)
        try:
            asking = Asking(self, asked.path, price, account, store, seed, self._refusals)
            yield from asking.samples(keys, prompts, n)
        finally:
            account.close()
            store.close()

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """Everything that is sent with each request besides model, prompt, n and seed."""

    @abstractmethod
    async def request(self, client: Any, model: str, prompt: Prompt, n: int, seed: int) -> Any:
        """What the SDK returns for one request for n samples."""

    @abstractmethod
    def usage(self, whole: Any) -> Usage | None:
        """What the SDK's answer counted; may fail in any way where parts are missing."""

    @abstractmethod
    def read(self, whole: Any, usage: Usage | None) -> list[Generation]:
        """The samples in it; may fail likewise."""

    @abstractmethod
    def client(self, **options: Any) -> Any:
        """The SDK's client."""

    def sent(self, prompt: Prompt) -> Prompt | str:
        """The prompt as it is sent."""
        return prompt

    def connect(self, **hooks: Any) -> Any:
        """A client with the recipe's limits, whose every attempt goes through the hooks."""
        sdk = import_module(self.package)
        return self.client(
            api_key=self._key(),
            base_url=self.base_url,
            timeout=self.timeout,
            max_retries=self.retries,
            http_client=sdk.DefaultAsyncHttpxClient(event_hooks=hooks),
        )

    async def ask(self, client: Any, model: str, prompt: Prompt, n: int, seed: int) -> Answer:
        """Ask for n samples, the SDK's retries included.

        Raises:
            Unusable: an answer came that is of no use.
            Waiting: the server wants to be left alone for some minutes.
            PromptRefused: it answers, but not this prompt.
            StageError: there is no answer to be had; the key is not in what it says.
        """
        sdk = import_module(self.package)
        try:
            whole = await self.request(client, model, prompt, n, seed)
        except sdk.APIStatusError as error:
            failure: Exception = self._refused(error)
        except sdk.APITimeoutError:
            failure = self.failure(
                f"no answer within {self.timeout:g} seconds, {self.retries + 1} times: raise "
                "timeout, or look after the server"
            )
        except sdk.APIConnectionError as error:
            reason = type(error.__cause__ or error).__name__
            failure = self.failure(
                f"cannot be reached ({reason}), tried {self.retries + 1} times: see that the "
                "server runs and that base_url is right"
            )
        except (sdk.APIError, ValueError) as error:  # no JSON
            raise Unusable(self._told(error)) from None
        else:
            usage = None
            try:
                usage = self.usage(whole)
                return Answer(self.read(whole, usage), usage)
            except (AttributeError, TypeError, ValueError):
                raise Unusable("a part of the answer is missing", usage) from None
        # Not `from error`: a server may put the key into what it answers.
        raise failure from None

    def failure(self, reason: str) -> StageError:
        """One line about the server."""
        return StageError(f"{self._name}: {self.base_url}: {reason}")

    def _refused(self, error: Any) -> Exception:
        """What to make of an answer that is a status and nothing else."""
        status, said = error.status_code, self._told(error)
        if status in (401, 403):
            return self.failure(
                f"the server refuses the key in {self.key_from} (status {status}): set another; "
                "nothing more was asked"
            )
        if status in LATER or status >= 500:
            wait = _seconds(error.response.headers.get("retry-after"))
            if SHORT_WAIT < wait <= LONG_WAIT:
                return Waiting(f"status {status}, to be asked again in {wait:.0f} seconds", wait)
            asks = f" (the server asks for a wait of {wait:.0f} seconds)" if wait else ""
            return self.failure(
                f"status {status}: {said}{asks}; it was tried up to {self.retries + 1} times, and "
                "what has arrived is kept: run again later"
            )
        refused = f"the server refuses the request (status {status}): {said}"
        if status in THIS_PROMPT:
            advice = "what has arrived is kept: leave that question out, or ask another model"
            return PromptRefused(self.failure(f"{refused}; {advice}"))
        return self.failure(refused)

    def _told(self, error: Exception) -> str:
        """What an error says, on one line and without the key."""
        text = " ".join(str(error).split()) or type(error).__name__
        secret = os.environ.get(self.key_from, "").strip()
        if secret:
            text = text.replace(secret, "(key)")
        return text if len(text) <= 200 else f"{text[:197]}..."

    def _key(self) -> str:
        found = os.environ.get(self.key_from, "").strip()
        if not found and self.base_url == self.home:
            raise UsageError(
                f"{self._name}: the environment variable {self.key_from} holds no key: set it, or "
                "name another with key_from"
            )
        return found or "none"

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
        return f"the sampler '{self.use or self.package}'"


def _seconds(retry_after: str | None) -> float:
    """What the header says; 0 where it is missing, or a date."""
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:
        return 0.0


def written(text: str) -> str:
    """A server's text as UTF-8 can hold it: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def spread(total: int, parts: int) -> list[int]:
    """A number shared out evenly, the first parts larger by one where it does not divide."""
    share, rest = divmod(total, parts) if parts else (0, 0)
    return [share + (part < rest) for part in range(parts)]
