"""Requests wait in a queue, and one thread answers those with the same decoding side by side."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from saysel import hf
from saysel.errors import DataError
from saysel.records import Message
from saysel.serving.model import Asked, ServedModel, ServedReply

log = logging.getLogger(__name__)


class QueueFull(Exception):
    """As many replies wait already as may wait."""


@dataclass(frozen=True)
class Sampling:
    """How a reply is decoded; replies in a batch have the same.

    Attributes:
        temperature, top_k, top_p, max_tokens: see `saysel.hf.Decoding`.
        seed: of the draws; replies with a seed are generated alone, so that no other changes them.
    """

    temperature: float
    top_k: int
    top_p: float
    max_tokens: int
    seed: int | None = None

    def fits_with(self, other: Sampling) -> bool:
        return self == other and (self.seed is None or self.temperature == 0)


@dataclass(eq=False)
class Job:
    """One reply to generate.

    Attributes:
        messages: the conversation.
        sampling: how to decode.
        on_text: called with each new part of the text, if the client streams.
        on_end: called once, with the reply or the error.
        cancelled: whether its client has left.
    """

    messages: Sequence[Message]
    sampling: Sampling
    on_end: Callable[[ServedReply | Exception], None]
    on_text: Callable[[str], None] | None = None
    cancelled: bool = False
    sent: str = field(default="", init=False)

    def write(self, text: str) -> None:
        """Send what the text has beyond that which was sent.

        Half of a character waits for its other half.
        """
        if self.on_text is not None and text.startswith(self.sent) and not text.endswith("�"):
            new = text[len(self.sent) :]
            self.sent = text
            if new:
                self.on_text(new)


class Batches:
    """The queue and its thread.

    Attributes:
        model: used by the thread only.
    """

    def __init__(self, model: ServedModel, size: int, waiting: int) -> None:
        """
        Args:
            size: maximum replies in a batch.
            waiting: maximum replies in the queue.
        """
        self.model, self.size, self.waiting = model, size, waiting
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="saysel-serve", daemon=True)
        self._thread.start()

    def submit(self, jobs: Sequence[Job]) -> None:
        """Queue the replies of a request, all or none.

        Raises:
            QueueFull: there are too many.
        """
        with self._changed:
            if len(self._jobs) + len(jobs) > self.waiting:
                raise QueueFull
            self._jobs.extend(jobs)
            self._changed.notify()

    def close(self) -> None:
        """Accept no more requests, and wait for the current batch."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._next():
            for stop, asked in self._prompts(batch).items():
                try:
                    self._answer(asked, batch[0].sampling, stop)
                except _Abandoned:
                    pass
                except Exception as error:
                    log.exception("a batch of %d replies failed", len(asked))
                    for job, _ in asked:
                        job.on_end(error)

    def _next(self) -> list[Job]:
        """The next batch, in the order of arrival; empty at the end."""
        with self._changed:
            while True:
                self._jobs = deque(job for job in self._jobs if not job.cancelled)
                if self._jobs or self._closed:
                    break
                self._changed.wait()
            if self._closed:
                return []
            first = self._jobs[0].sampling
            batch: list[Job] = []
            others: deque[Job] = deque()
            for job in self._jobs:
                fits = not batch or first.fits_with(job.sampling)
                (batch if fits and len(batch) < self.size else others).append(job)
            self._jobs = others
            return batch

    def _prompts(self, batch: Sequence[Job]) -> dict[str | None, list[tuple[Job, Asked]]]:
        """The prompts of a batch, by the text that ends their replies."""
        prompts: dict[str | None, list[tuple[Job, Asked]]] = {}
        for job in batch:
            try:
                prompt = self.model.prompt(job.messages, job.sampling.max_tokens)
            except Exception as error:  # of this request alone; a template can fail in any way
                if not isinstance(error, DataError):
                    log.exception("a prompt failed")
                job.on_end(error)
            else:
                prompts.setdefault(self.model.stop(prompt), []).append((job, prompt))
        return prompts

    def _answer(
        self, asked: Sequence[tuple[Job, Asked]], sampling: Sampling, stop: str | None
    ) -> None:
        """Generate the replies to prompts side by side."""
        prompts = [prompt for _, prompt in asked]
        tokens: list[list[int]] = [[] for _ in asked]

        def each_step(rows: list[int], new: list[int]) -> None:
            if all(job.cancelled for job, _ in asked):
                raise _Abandoned
            for row, token in zip(rows, new, strict=True):
                tokens[row].append(token)
            going = [row for row in rows if asked[row][0].on_text is not None]
            if going:
                texts = self.model.texts(
                    [prompts[row].tokens for row in going], [tokens[row] for row in going], stop
                )
                for row, text in zip(going, texts, strict=True):
                    asked[row][0].write(text)

        replies = self.model.reply(
            prompts,
            hf.Decoding(
                sampling.temperature, sampling.max_tokens, sampling.top_k, sampling.top_p, stop=stop
            ),
            self.model.generator(sampling.seed),
            each_step,
        )
        for (job, _), reply in zip(asked, replies, strict=True):
            job.write(reply.text)
            job.on_end(reply)


class _Abandoned(Exception):
    """All clients of a batch have left."""
