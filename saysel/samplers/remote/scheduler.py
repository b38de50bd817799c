"""Requests for many samples side by side, each sample requested once.

They run in an event loop in a thread of its own, so that the samples can be handed on in order as
they finish. What the store has is not requested; what arrives is written there first.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from saysel.costs.budget import Budget
from saysel.costs.ledger import OpenLedger
from saysel.costs.prices import Price
from saysel.costs.tokens import likely_prompt_tokens
from saysel.errors import StageError
from saysel.interfaces import Prompt
from saysel.records import Generation
from saysel.samplers.remote.event_loop import cancel_all, current_task, drive
from saysel.samplers.remote.protocol import (
    Answer,
    PromptRefused,
    RequestRefused,
    TryAgain,
    Unusable,
    times,
)
from saysel.samplers.remote.rate_limit import RateLimiter
from saysel.samplers.remote.response_cache import ResponseStore
from saysel.samplers.remote.server_messages import clean

if TYPE_CHECKING:
    from saysel.samplers.remote.endpoint import Endpoint
    from saysel.samplers.remote.sdk_client import SdkClient

#: Seconds before a failed request is repeated: the first time, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
#: Seconds that an interruption waits for requests under way; a second one does not.
INTERRUPTION_WAIT = 10.0
#: Seconds until samples that another process has requested are looked for again.
OTHERS_PAUSE = 0.2
#: A status of 500 so many times in a row, or at last, may mean that the server refuses n > 1.
FAILURES_OF_SEVERAL = 2


@dataclass(frozen=True)
class PendingSamples:
    """Samples of one prompt that are still missing."""

    key: str
    prompt: Prompt
    indices: tuple[int, ...]


class RequestScheduler:
    """All requests for one call of `sample`."""

    def __init__(
        self,
        endpoint: Endpoint,
        price: Price | None,
        ledger: OpenLedger,
        store: ResponseStore,
        seed: int,
        refusals: list[str] | None = None,
    ) -> None:
        """
        Args:
            seed: of the first sample of each prompt.
            refusals: where given, a prompt that the server refuses to answer is noted there and
                gets empty samples, which are not stored; otherwise it ends everything.
        """
        self.endpoint = endpoint
        self.sampler = sampler = endpoint.sampler
        self.store = store
        self.seed = seed
        self.refusals = refusals
        self.ledger = ledger
        self.budget = Budget(ledger, price, endpoint.model)
        self.limiter = RateLimiter.of(
            (sampler.base_url, sampler.key_from),
            sampler.requests_per_minute,
            sampler.tokens_per_minute,
        )
        self.traits = endpoint.traits
        self.under_way: set[asyncio.Task[Any]] = set()  # workers whose request has left
        self.closing = False

    def samples(
        self, keys: Sequence[str], prompts: Sequence[Prompt], n: int
    ) -> Iterator[list[Generation]]:
        """n samples of each prompt, in order, as they finish.

        Prompts with the same key are the same request: it is made once.

        Raises:
            StageError: the server refuses, cannot be reached, or would cost more than allowed;
                what has arrived is kept.
        """
        finished: SimpleQueue[tuple[str, list[Generation]] | BaseException] = SimpleQueue()
        known: dict[str, list[Generation]] = {}
        loop = asyncio.new_event_loop()
        work = loop.create_task(self._all(dict(zip(keys, prompts, strict=True)), n, finished))
        thread = Thread(target=drive, args=(loop, work, finished), daemon=True)
        thread.start()
        try:
            for key in keys:
                while key not in known:
                    arrived = finished.get()
                    if isinstance(arrived, BaseException):
                        raise arrived
                    known[arrived[0]] = arrived[1]
                yield known[key]
        except BaseException:  # the rest is not wanted
            if thread.is_alive():
                loop.call_soon_threadsafe(work.cancel)
            raise
        finally:
            thread.join()
            loop.close()

    async def _all(self, prompts: dict[str, Prompt], n: int, finished: SimpleQueue[Any]) -> None:
        self._pending: asyncio.Queue[PendingSamples] = asyncio.Queue()
        self._arrived: dict[str, dict[int, Generation]] = {}
        self._n, self._finished = n, finished
        for key, prompt in prompts.items():
            stored = self.store.get(key)
            if stored:
                self.ledger.record_reuse(self.endpoint.model)
            self._arrived[key] = {index: stored[index] for index in range(n) if index in stored}
            missing = tuple(index for index in range(n) if index not in stored)
            if missing:
                self._pending.put_nowait(PendingSamples(key, prompt, missing))
            else:
                self._hand_on(key)
        if self._pending.empty():
            return
        async with self.endpoint.connect() as client:
            workers = [
                asyncio.create_task(self._work(client)) for _ in range(self.sampler.concurrency)
            ]
            leases = asyncio.create_task(self.store.keep_leases())
            tasks = [asyncio.create_task(self._pending.join()), *workers, leases]
            wait = INTERRUPTION_WAIT
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                wait = self.sampler.timeout
            finally:
                # What was requested will be billed: nothing more is, but the answers are kept.
                self.closing = True
                try:
                    await self._last_answers(wait)
                except asyncio.CancelledError:  # interrupted while waiting
                    await self._last_answers(INTERRUPTION_WAIT)
                    raise
                finally:
                    await cancel_all(tasks)
        await asyncio.sleep(0)  # connections are closed a turn after the client
        errors = [task.exception() for task in tasks if not task.cancelled()]
        for error in filter(None, errors):
            raise error

    async def _last_answers(self, seconds: float) -> None:
        """Wait for requests under way, so many seconds at most."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while self.under_way and loop.time() < until:
            await asyncio.wait(set(self.under_way), timeout=0.1)

    def _per_request(self) -> int:
        return 1 if self.traits.one_by_one else self.sampler.choices_per_request()

    async def _work(self, client: SdkClient) -> None:
        while not self.closing:
            pending = await self._pending.get()
            size = self._per_request()
            self._put_back(pending, pending.indices[size:])
            await self._request(client, pending, pending.indices[:size])
            self._pending.task_done()

    def _put_back(self, pending: PendingSamples, indices: Sequence[int]) -> None:
        if indices:
            self._pending.put_nowait(PendingSamples(pending.key, pending.prompt, tuple(indices)))

    async def _request(
        self, client: SdkClient, pending: PendingSamples, indices: Sequence[int]
    ) -> None:
        """Request samples that nobody else has or is requesting; what stays missing is put back."""
        key = pending.key
        stored, mine = self.store.claim(key, indices)
        arrived = dict(stored)
        try:
            if mine:
                arrived |= await self._answer(client, pending, mine)
            elif not stored:  # all are requested by another process
                await asyncio.sleep(OTHERS_PAUSE)
        except PromptRefused as refusal:
            if self.refusals is None:
                prompt = clean(pending.prompt[-1]["content"])[:60]
                raise StageError(f"{refusal.failure} (asked was '{prompt}…')") from None
            self.refusals.append(str(refusal.failure))
            arrived |= dict.fromkeys(mine, Generation("", 0))
        finally:
            self.store.release(key, mine)
        self._arrived[key].update(arrived)
        self._put_back(pending, [index for index in indices if index not in arrived])
        if len(self._arrived[key]) == self._n:
            self._hand_on(key)

    def _hand_on(self, key: str) -> None:
        arrived = self._arrived.pop(key)
        self._finished.put((key, [arrived[index] for index in range(self._n)]))

    async def _answer(
        self, client: SdkClient, pending: PendingSamples, indices: Sequence[int]
    ) -> dict[int, Generation]:
        """At least one of the samples, stored and noted in the ledger.

        Raises:
            PromptRefused: this prompt has no usable answer; another may.
            StageError: the server has none at all, or it would cost too much.
        """
        last: Unusable | TryAgain | None = None
        failures, reduced, attempt = 0, False, 0
        while attempt <= self.sampler.retries:
            wait: float | None = None
            try:
                answer = await self._attempt(client, pending, indices)
                self.traits.learn(len(indices), len(answer.samples), reduced)
                # More than asked is left out.
                return dict(zip(indices, answer.samples, strict=False))
            except Unusable as error:
                last = error
            except TryAgain as error:
                last, wait = error, error.wait
                failures = failures + 1 if error.status in (500, 501) else 0
                enough = failures == FAILURES_OF_SEVERAL or attempt == self.sampler.retries
                if failures and enough and self._can_reduce(indices):
                    indices, reduced = indices[:1], True
                    continue
            except RequestRefused as error:
                if not self._can_reduce(indices):
                    raise self._refused(str(error)) from None
                indices, reduced = indices[:1], True
                continue
            if self.closing:
                raise asyncio.CancelledError
            attempt += 1
            if attempt <= self.sampler.retries:
                await asyncio.sleep(wait or pause(attempt - 1))
        if isinstance(last, TryAgain):
            raise last.failure
        raise PromptRefused(
            self.endpoint.failure(
                f"no usable answer, {times(self.sampler.retries + 1)}: {last}; what has arrived is "
                "kept: run again later"
            )
        )

    def _can_reduce(self, indices: Sequence[int]) -> bool:
        """Whether the server may refuse a request because it asks for several choices."""
        return len(indices) > 1 and not self.traits.several

    def _refused(self, reason: str) -> PromptRefused:
        if self.traits.accepted:
            advice = "what has arrived is kept: leave that question out, or ask another model"
        else:
            advice = (
                "no request was accepted so far, so the reason is probably not this question but "
                f"a parameter: {self.sampler.parameter_advice}"
            )
        return PromptRefused(self.endpoint.failure(f"{reason}; {advice}"))

    async def _attempt(
        self, client: SdkClient, pending: PendingSamples, indices: Sequence[int]
    ) -> Answer:
        """One request; its answer is stored before it is noted, so that none is paid for twice."""
        output_tokens = len(indices) * self.sampler.max_tokens
        worst = self.budget.highest_cost(pending.prompt, output_tokens)
        # Another seed for every sample, or the server might say the same again.
        seed = (self.seed + indices[0]) % 2**31
        await self.budget.reserve(worst)
        try:
            await self.limiter.wait(likely_prompt_tokens(pending.prompt) + output_tokens)
            if self.closing:
                raise asyncio.CancelledError
            self.under_way.add(current_task())
            answer = await self.endpoint.ask(client, pending.prompt, len(indices), seed)
            samples = dict(zip(indices, answer.samples, strict=False))
            self.store.put(pending.key, self.endpoint.model, samples)
            self.budget.record(answer.usage, worst)
            self.ledger.count(samples.values())
            return answer
        except Unusable as error:
            self.budget.record(error.usage, worst)
            raise
        finally:
            self.under_way.discard(current_task())
            await self.budget.release(worst)


def pause(attempt: int) -> float:
    """Seconds before the next attempt: ever longer, with jitter."""
    longest: float = min(FIRST_PAUSE * 2.0**attempt, LONGEST_PAUSE)
    return longest * (1 - 0.25 * random.random())
