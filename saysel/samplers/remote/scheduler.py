"""Concurrent requests for many samples, each sample requested once.

Workers request what the response cache does not have, and hand on the samples of a prompt as soon
as they are complete.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

from saysel.errors import StageError
from saysel.interfaces import Prompt
from saysel.records import Generation
from saysel.samplers.remote.background import cancel_all, emitted
from saysel.samplers.remote.protocol import PromptRefused
from saysel.samplers.remote.requester import PendingSamples, SampleRequester
from saysel.samplers.remote.responses import clean

if TYPE_CHECKING:
    from saysel.samplers.remote.sdk_client import SdkClient

#: How long an interruption waits for requests in flight; a second interruption does not wait.
INTERRUPTION_WAIT_SECONDS = 10.0
#: Pause before looking again for samples that another process is requesting.
POLL_SECONDS = 0.2
#: Characters of a refused prompt that a message shows.
MAX_SHOWN_PROMPT = 60

#: A request key and all samples of its prompt.
Completed = tuple[str, list[Generation]]


class RequestScheduler:
    """All requests for one call of `sample`."""

    def __init__(
        self, requester: SampleRequester, n: int, refusals: list[str] | None = None
    ) -> None:
        """
        Args:
            n: samples of each prompt.
            refusals: gets the reason for each prompt that the server refuses, which then has empty
                samples; `None`: a refusal ends the call.
        """
        self.requester = requester
        self.cache = requester.cache
        self.n = n
        self.refusals = refusals
        self._queue: asyncio.Queue[PendingSamples] = asyncio.Queue()
        self._arrived: dict[str, dict[int, Generation]] = {}  # of prompts that are not complete

    def samples(self, keys: Sequence[str], prompts: Sequence[Prompt]) -> Iterator[list[Generation]]:
        """n samples of each prompt, in order, as they finish.

        Prompts with the same key are one request, which is made once.

        Raises:
            StageError: the server refuses, cannot be reached, or would cost more than allowed;
                responses that have arrived are kept.
        """
        requests = dict(zip(keys, prompts, strict=True))
        completed: dict[str, list[Generation]] = {}
        with closing(emitted(partial(self._run, requests))) as arrivals:
            for key in keys:
                while key not in completed:
                    completed.update([next(arrivals)])
                yield completed[key]
            for _ in arrivals:  # nothing more arrives, but the connections have to be closed
                pass

    async def _run(self, requests: Mapping[str, Prompt], emit: Callable[[Completed], None]) -> None:
        self._emit = emit
        for key, prompt in requests.items():
            self._enqueue(key, prompt)
        if self._queue.empty():
            return
        async with self.requester.endpoint.connect() as client:
            workers = (self._work(client) for _ in range(self.requester.concurrency))
            coroutines = (self._queue.join(), self.cache.leases.keep_renewing(), *workers)
            tasks = list(map(asyncio.create_task, coroutines))
            await self._until_first_ends(tasks)
        await asyncio.sleep(0)  # connections are closed one iteration after the client
        for error in (task.exception() for task in tasks if not task.cancelled()):
            if error is not None:
                raise error

    def _enqueue(self, key: str, prompt: Prompt) -> None:
        """Take what is stored, and queue what is missing."""
        stored = self.cache.get(key)
        if stored:
            self.requester.ledger.record_reuse(self.requester.endpoint.model)
        self._arrived[key] = {index: stored[index] for index in range(self.n) if index in stored}
        missing = tuple(index for index in range(self.n) if index not in stored)
        if missing:
            self._queue.put_nowait(PendingSamples(key, prompt, missing))
        else:
            self._hand_on(key)

    async def _until_first_ends(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        """Wait until everything is done, a task fails, or the call is interrupted.

        Requests in flight will be billed: no more are sent, but their responses are kept.
        """
        wait = INTERRUPTION_WAIT_SECONDS
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            wait = self.requester.sampler.timeout
        finally:
            try:
                await self.requester.drain(wait)
            except asyncio.CancelledError:  # interrupted while draining
                await self.requester.drain(INTERRUPTION_WAIT_SECONDS)
                raise
            finally:
                await cancel_all(tasks)

    async def _work(self, client: SdkClient) -> None:
        """Request pending samples, a few at a time, until none are left."""
        while not self.requester.closing:
            pending = await self._queue.get()
            size = self._samples_per_request()
            self._put_back(pending, pending.indices[size:])
            await self._request(client, pending, pending.indices[:size])
            self._queue.task_done()

    def _samples_per_request(self) -> int:
        one_by_one = self.requester.traits.one_by_one
        return 1 if one_by_one else self.requester.sampler.choices_per_request()

    def _put_back(self, pending: PendingSamples, indices: Sequence[int]) -> None:
        if indices:
            self._queue.put_nowait(PendingSamples(pending.key, pending.prompt, tuple(indices)))

    async def _request(
        self, client: SdkClient, pending: PendingSamples, indices: Sequence[int]
    ) -> None:
        """Get samples from the cache or the server; those that stay missing are put back."""
        key = pending.key
        arrived, leased = self.cache.claim(key, indices)
        try:
            if leased:
                request = PendingSamples(key, pending.prompt, leased)
                arrived |= await self.requester.request(client, request)
            elif not arrived:  # another process is requesting all of them
                await asyncio.sleep(POLL_SECONDS)
        except PromptRefused as refusal:
            arrived |= self._empty_samples(refusal, pending.prompt, leased)
        finally:
            self.cache.leases.release(key, leased)
        self._arrived[key].update(arrived)
        self._put_back(pending, [index for index in indices if index not in arrived])
        if len(self._arrived[key]) == self.n:
            self._hand_on(key)

    def _empty_samples(
        self, refusal: PromptRefused, prompt: Prompt, indices: Sequence[int]
    ) -> dict[int, Generation]:
        """What a refused prompt gets, if refusals are tolerated.

        Raises:
            StageError: they are not.
        """
        if self.refusals is None:
            shown = clean(prompt[-1]["content"])[:MAX_SHOWN_PROMPT]
            raise StageError(f"{refusal.failure} (the prompt was '{shown}…')") from None
        self.refusals.append(str(refusal.failure))
        return dict.fromkeys(indices, Generation("", 0))

    def _hand_on(self, key: str) -> None:
        arrived = self._arrived.pop(key)
        self._emit((key, [arrived[index] for index in range(self.n)]))
