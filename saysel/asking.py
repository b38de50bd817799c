"""Asking a server for many samples side by side, each exactly once.

Requests run in an event loop in a thread of its own, so that the samples can be handed on in order
as they finish. What the store has is not asked for; what arrives is written there first.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from saysel.errors import StageError
from saysel.interfaces import Prompt
from saysel.ledger import Account
from saysel.pace import Pace
from saysel.prices import Price
from saysel.records import Generation
from saysel.responses import ResponseStore

if TYPE_CHECKING:
    from saysel.remote import RemoteSampler, Usage

#: Seconds before an answer of no use is asked for again: the first time, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
#: Seconds that an interruption waits for requests under way; a second one does not.
PATIENCE = 10.0
#: So many times in a row one choice where several were asked for: the server does not obey n.
SHORT = 3
#: Tokens of the request that is about to leave, for the limit of tokens per minute.
TOKENS: ContextVar[int] = ContextVar("tokens")


class PromptRefused(Exception):
    """A server that answers others has no usable answer to one prompt.

    Attributes:
        failure: the line that tells.
    """

    def __init__(self, failure: StageError) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(frozen=True)
class Job:
    """Samples of one prompt that are still missing."""

    key: str
    prompt: Prompt
    indices: tuple[int, ...]


class Asking:
    """All requests for one call of `sample`."""

    def __init__(
        self,
        sampler: RemoteSampler,
        model: str,
        price: Price | None,
        account: Account,
        store: ResponseStore,
        seed: int,
        refusals: list[str] | None = None,
    ) -> None:
        """
        Args:
            seed: of the first sample of each prompt.
            refusals: where given, a prompt that the server refuses to answer is noted there and
                gets empty samples, which are not kept; otherwise it ends everything.
        """
        self.refusals = refusals
        self.sampler = sampler
        self.model = model
        self.price = price
        self.account = account
        self.store = store
        self.seed = seed
        self.pace = Pace.of(
            (sampler.base_url, sampler.key_from),
            sampler.requests_per_minute,
            sampler.tokens_per_minute,
        )
        self.most = sampler.most
        self.short = 0  # answers in a row with a single choice of several
        self.reserved: list[float] = []  # US dollars that each request under way may cost
        self.under_way: set[asyncio.Task[Any]] = set()  # workers whose request has left
        self.closing = False

    def samples(
        self, keys: Sequence[str], prompts: Sequence[Prompt], n: int
    ) -> Iterator[list[Generation]]:
        """n samples of each prompt, in order, as they finish.

        Prompts with the same key are the same request: they are asked once.

        Raises:
            StageError: the server refuses, cannot be reached, or would cost more than allowed;
                what has arrived is kept.
        """
        finished: SimpleQueue[tuple[str, list[Generation]] | BaseException] = SimpleQueue()
        known: dict[str, list[Generation]] = {}
        loop = asyncio.new_event_loop()
        work = loop.create_task(self._all(dict(zip(keys, prompts, strict=True)), n, finished))
        thread = Thread(target=_drive, args=(loop, work, finished), daemon=True)
        thread.start()
        try:
            for one in keys:
                while one not in known:
                    arrived = finished.get()
                    if isinstance(arrived, BaseException):
                        raise arrived
                    known[arrived[0]] = arrived[1]
                yield known[one]
        except BaseException:  # nobody wants the rest
            if thread.is_alive():
                loop.call_soon_threadsafe(work.cancel)
            raise
        finally:
            thread.join()
            loop.close()

    async def _all(self, prompts: dict[str, Prompt], n: int, finished: SimpleQueue[Any]) -> None:
        self._jobs: asyncio.Queue[Job] = asyncio.Queue()
        self._settled = asyncio.Condition()
        self._found: dict[str, dict[int, Generation]] = {}
        self._n, self._finished = n, finished
        for key, prompt in prompts.items():
            stored = self.store.get(key)
            self._found[key] = {index: stored[index] for index in range(n) if index in stored}
            missing = tuple(index for index in range(n) if index not in stored)
            if missing:
                self._jobs.put_nowait(Job(key, prompt, missing))
            else:
                self._hand_on(key)
        if self._jobs.empty():
            return
        client = self.sampler.connect(request=[self._turn], response=[self._came])
        async with client:
            workers = [
                asyncio.create_task(self._work(client)) for _ in range(self.sampler.concurrency)
            ]
            tasks = [asyncio.create_task(self._jobs.join()), *workers]
            patience = PATIENCE
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                patience = self.sampler.timeout
            finally:
                # What was asked will be paid for: nothing more is, but the answers are kept.
                self.closing = True
                try:
                    await self._kept(patience)
                except asyncio.CancelledError:  # interrupted while waiting
                    await self._kept(PATIENCE)
                    raise
                finally:
                    await _end(tasks)
        await asyncio.sleep(0)  # connections are closed a turn after the client
        errors = [task.exception() for task in tasks if not task.cancelled()]
        for error in filter(None, errors):
            raise error

    async def _kept(self, patience: float) -> None:
        """Wait for requests under way, so many seconds at most."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        while self.under_way and loop.time() < until:
            await asyncio.wait(set(self.under_way), timeout=0.1)

    async def _work(self, client: Any) -> None:
        while not self.closing:
            job = await self._jobs.get()
            now, later = job.indices[: self.most], job.indices[self.most :]
            if later:
                self._jobs.put_nowait(Job(job.key, job.prompt, later))
            try:
                arrived = await self._answer(client, job, now)
            except PromptRefused as refusal:
                if self.refusals is None:
                    said = " ".join(job.prompt[-1]["content"].split())
                    raise StageError(f"{refusal.failure} (asked was '{said[:60]}…')") from None
                self.refusals.append(str(refusal.failure))
                arrived = dict.fromkeys(now, Generation("", 0))
            if rest := now[len(arrived) :]:
                self._jobs.put_nowait(Job(job.key, job.prompt, rest))
            if len(now) > 1:
                self.short = self.short + 1 if len(arrived) == 1 else 0
                if self.short == SHORT:
                    self.most = 1
            self._found[job.key].update(arrived)
            if len(self._found[job.key]) == self._n:
                self._hand_on(job.key)
            self._jobs.task_done()

    def _hand_on(self, key: str) -> None:
        found = self._found.pop(key)
        self._finished.put((key, [found[index] for index in range(self._n)]))

    async def _answer(self, client: Any, job: Job, indices: Sequence[int]) -> dict[int, Generation]:
        """At least one of the samples, kept and paid for.

        Raises:
            PromptRefused: this prompt has no usable answer; another may.
            StageError: the server has none at all, or it would cost too much.
        """
        from saysel.remote import Unusable, Waiting

        longest = len(indices) * self.sampler.max_tokens
        # Another seed for every sample, or the server might say the same again.
        seed = (self.seed + indices[0]) % 2**31
        for attempt in range(self.sampler.retries + 1):
            TOKENS.set(tokens_about(job.prompt) + longest)
            worst = self.price.of(tokens_at_most(job.prompt), longest) if self.price else 0.0
            await self._afford(worst)
            wait = pause(attempt)
            try:
                answer = await self.sampler.ask(client, self.model, job.prompt, len(indices), seed)
                # More than asked is left out. What is kept before it is noted is never paid twice.
                arrived = dict(zip(indices, answer.samples, strict=False))
                self.store.put(job.key, self.model, arrived)
                self._note(answer.usage, worst)
                if arrived:
                    return arrived
                reason = "the answer holds no choice"
            except Unusable as error:
                self._note(error.usage, worst)
                reason = str(error)
            except Waiting as error:
                wait, reason = error.seconds, str(error)
            finally:
                self.under_way.discard(_this_worker())
                await self._settle(worst)
            if self.closing:
                raise asyncio.CancelledError
            await asyncio.sleep(wait)
        raise PromptRefused(
            self.sampler.failure(
                f"no usable answer, {self.sampler.retries + 1} times: {reason}; what has arrived "
                "is kept: run again later"
            )
        )

    def _note(self, usage: Usage | None, worst: float) -> None:
        """Write an answer into the ledger; one that is not counted is taken at its worst."""
        read, written = usage or (0, 0)
        cost = None
        if self.price:
            cost = self.price.of(read, written) if usage else worst
        self.account.note(self.model, read, written, cost)

    async def _afford(self, worst: float) -> None:
        """Wait until a request fits below the limit, whatever those under way will cost."""
        limit = self.account.ledger.max_cost
        if limit is None:
            return
        async with self._settled:
            while self.account.spent + sum(self.reserved) + worst > limit:
                if not self.reserved:
                    raise StageError(
                        f"max_cost: {self.account.spent:.4f} of {limit:g} dollars are spent, and "
                        f"the next request may cost {worst:.4f}: raise max_cost and run again"
                    )
                await self._settled.wait()
            self.reserved.append(worst)

    async def _settle(self, worst: float) -> None:
        if self.account.ledger.max_cost is not None:
            async with self._settled:
                self.reserved.remove(worst)
                self._settled.notify_all()

    async def _turn(self, request: Any) -> None:
        """Called by the HTTP client before each attempt, those of the SDK's retries included."""
        self.under_way.discard(_this_worker())
        await self.pace.turn(TOKENS.get())
        if self.closing:
            raise asyncio.CancelledError
        self.under_way.add(_this_worker())

    async def _came(self, response: Any) -> None:
        """Called by the HTTP client when an answer comes; one that is none costs nothing."""
        if response.is_error:
            self.under_way.discard(_this_worker())


def _this_worker() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None, "requests are made in tasks"
    return task


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    rest = set(tasks)
    while rest:  # once may not be enough: a library can take a cancellation for its own time-out
        for task in rest:
            task.cancel()
        _, rest = await asyncio.wait(rest, timeout=1)


def _drive(loop: asyncio.AbstractEventLoop, work: asyncio.Task[None], told: Any) -> None:
    try:
        loop.run_until_complete(work)
    except BaseException as error:  # told to the thread that waits for samples
        told.put(error)


def pause(attempt: int) -> float:
    """Seconds before the next attempt: ever longer, with jitter."""
    longest: float = min(FIRST_PAUSE * 2.0**attempt, LONGEST_PAUSE)
    return longest * (1 - 0.25 * random.random())


def tokens_about(prompt: Prompt) -> int:
    """How many tokens a prompt is likely to have: one for four bytes of text."""
    return sum(4 + len(message["content"].encode()) // 4 for message in prompt)


def tokens_at_most(prompt: Prompt) -> int:
    """More tokens than a prompt can have: no tokenizer makes two of a byte."""
    return sum(16 + len(message["content"].encode()) for message in prompt)
