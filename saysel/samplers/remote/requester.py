"""Requesting samples of one prompt: attempts, retries, and what to do about a refusal."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saysel.costs.budget import Budget
from saysel.costs.ledger import OpenLedger
from saysel.costs.prices import Price
from saysel.costs.server_calls import own_part
from saysel.costs.tokens import likely_prompt_tokens
from saysel.interfaces import Prompt
from saysel.records import Generation
from saysel.samplers.remote.protocol import (
    Answer,
    PromptRefused,
    RequestRejected,
    TemporaryFailure,
    UnusableResponse,
    times,
)
from saysel.samplers.remote.rate_limit import RateLimiter
from saysel.samplers.remote.response_cache import ResponseCache

if TYPE_CHECKING:
    from saysel.samplers.remote.endpoint import Endpoint
    from saysel.samplers.remote.sdk_client import SdkClient

#: Pause before the first retry; each further pause is twice as long, up to the longest.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
#: Statuses with which some servers refuse n > 1, and how many in a row are taken for that.
MAY_REFUSE_SEVERAL = (500, 501)
FAILURES_UNTIL_REDUCED = 2


@dataclass(frozen=True)
class PendingSamples:
    """Samples of one prompt that are still missing.

    Attributes:
        key: of the request in the response cache.
        indices: of the missing samples.
    """

    key: str
    prompt: Prompt
    indices: tuple[int, ...]


class SampleRequester:
    """Requests samples from an endpoint within budget and rate limit, and stores what arrives."""

    def __init__(
        self,
        endpoint: Endpoint,
        cache: ResponseCache,
        ledger: OpenLedger,
        price: Price | None,
        seed: int,
    ) -> None:
        """
        Args:
            seed: of the first sample of each prompt.
        """
        self.endpoint = endpoint
        self.sampler = sampler = endpoint.sampler
        self.traits = endpoint.traits
        self.cache = cache
        self.ledger = ledger
        self.budget = Budget(ledger, price, endpoint.model)
        self.seed = seed
        self.concurrency = own_part(sampler.concurrency)
        self.limiter = RateLimiter.shared(
            (sampler.base_url, sampler.key_from),
            sampler.requests_per_minute and own_part(sampler.requests_per_minute),
            sampler.tokens_per_minute and own_part(sampler.tokens_per_minute),
        )
        self.closing = False
        self._in_flight: set[asyncio.Task[Any]] = set()  # tasks whose request has been sent

    async def request(self, client: SdkClient, pending: PendingSamples) -> dict[int, Generation]:
        """At least one of the pending samples, stored and recorded in the ledger.

        Raises:
            PromptRefused: this prompt has no usable answer; another may have one.
            StageError: no request will succeed, or it would cost too much.
        """
        indices, reduced = pending.indices, False
        attempt, server_errors = 0, 0
        while True:
            try:
                answer = await self._attempt(client, pending, indices)
                self.traits.learn(len(indices), len(answer.samples), reduced)
                return _by_index(indices, answer)
            except RequestRejected as error:
                if not self._may_reduce(indices):
                    raise self._refused(str(error)) from None
                indices, reduced = indices[:1], True
                continue
            except UnusableResponse as error:
                failure: Exception = self._unusable(error)
                wait = None
            except TemporaryFailure as error:
                failure, wait = error.failure, error.wait
                is_server_error = error.status in MAY_REFUSE_SEVERAL
                server_errors = server_errors + 1 if is_server_error else 0
                is_last = attempt == self.sampler.retries
                suspected = is_server_error and (server_errors == FAILURES_UNTIL_REDUCED or is_last)
                if suspected and self._may_reduce(indices):
                    indices, reduced = indices[:1], True
                    continue
            if self.closing:
                raise asyncio.CancelledError
            if attempt == self.sampler.retries:
                raise failure
            await asyncio.sleep(wait or pause(attempt))
            attempt += 1

    async def drain(self, seconds: float) -> None:
        """Send no further requests, and wait for those in flight, at most so many seconds."""
        self.closing = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while self._in_flight and loop.time() < deadline:
            await asyncio.wait(set(self._in_flight), timeout=0.1)

    async def _attempt(
        self, client: SdkClient, pending: PendingSamples, indices: Sequence[int]
    ) -> Answer:
        """One request; its answer is stored before it is recorded, so that none is paid twice."""
        output_tokens = len(indices) * self.sampler.max_tokens
        highest_cost = self.budget.highest_cost(pending.prompt, output_tokens)
        # Each sample has its own seed, or the server might repeat itself.
        seed = (self.seed + indices[0]) % 2**31
        task = asyncio.current_task()
        assert task is not None, "runs in a task"
        await self.budget.reserve(highest_cost)
        try:
            await self.limiter.wait(likely_prompt_tokens(pending.prompt) + output_tokens)
            if self.closing:
                raise asyncio.CancelledError
            self._in_flight.add(task)
            answer = await self.endpoint.ask(client, pending.prompt, len(indices), seed)
            samples = _by_index(indices, answer)
            self.cache.put(pending.key, self.endpoint.model, samples)
            self.budget.record(answer.usage, highest_cost)
            self.ledger.count(samples.values())
            return answer
        except UnusableResponse as error:
            self.budget.record(error.usage, highest_cost)
            raise
        finally:
            self._in_flight.discard(task)
            await self.budget.release(highest_cost)

    def _may_reduce(self, indices: Sequence[int]) -> bool:
        """Whether the server may have refused the request because it asks for several samples."""
        return len(indices) > 1 and not self.traits.gave_several

    def _refused(self, reason: str) -> PromptRefused:
        if self.traits.accepted:
            advice = "the responses so far are kept: leave that question out, or use another model"
        else:
            advice = (
                "no request has been accepted so far, so the cause is probably not this question "
                f"but a parameter: {self.sampler.parameter_advice}"
            )
        return PromptRefused(self.endpoint.failure(f"{reason}; {advice}"))

    def _unusable(self, error: UnusableResponse) -> PromptRefused:
        return PromptRefused(
            self.endpoint.failure(
                f"no usable answer, {times(self.sampler.retries + 1)}: {error}; the responses so "
                "far are kept: run again later"
            )
        )


def _by_index(indices: Sequence[int], answer: Answer) -> dict[int, Generation]:
    """The samples of an answer by sample index; a server may return fewer or more."""
    return dict(zip(indices, answer.samples, strict=False))


def pause(attempt: int) -> float:
    """Seconds to wait after an attempt, counted from 0: exponential backoff with jitter."""
    longest: float = min(FIRST_PAUSE_SECONDS * 2.0**attempt, LONGEST_PAUSE_SECONDS)
    return longest * (1 - 0.25 * random.random())
