"""How far a component is with a batch that it processes in one call.

A rationale writer or judge gets a whole shard at once and returns when all of it is done. What
asks a model for them reports each reply here, so that the progress of the stage moves meanwhile.
A model in this process generates many replies side by side, and reports each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

#: Called with the number of prompts that are answered, and of all prompts of the batch.
Listener = Callable[[int, int], None]

_LISTENER: ContextVar[Listener | None] = ContextVar("batch_progress", default=None)


@contextmanager
def batch_progress_goes_to(listener: Listener) -> Iterator[None]:
    """Inside, `report_batch_progress` calls a listener."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def report_batch_progress(done: int, total: int) -> None:
    """Report that `done` of the `total` prompts of a batch are answered."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(done, total)


#: Called with the number of replies and of tokens that were generated since the last call. A reply
#: of at most T tokens is t / T replies after t tokens, unless it has ended.
GenerationListener = Callable[[float, int], None]

_GENERATION: ContextVar[tuple[GenerationListener, ...]] = ContextVar("generation", default=())


@contextmanager
def generation_goes_to(listener: GenerationListener) -> Iterator[None]:
    """Inside, `report_generation` calls a listener, too."""
    token = _GENERATION.set((*_GENERATION.get(), listener))
    try:
        yield
    finally:
        _GENERATION.reset(token)


def report_generation(replies: float, tokens: int) -> None:
    """Report what was generated since the last call; see `GenerationListener`."""
    for listener in _GENERATION.get():
        listener(replies, tokens)
