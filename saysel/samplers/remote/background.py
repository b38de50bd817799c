"""Running a coroutine in a background thread while the caller consumes what it emits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class _End:
    """The last thing that a coroutine emits: what it raised, if anything."""

    error: BaseException | None


def emitted(
    produce: Callable[[Callable[[Item], None]], Coroutine[Any, Any, None]],
) -> Generator[Item, None, None]:
    """Yield what a coroutine emits, as it emits it; what it raises is raised here.

    It runs in an event loop in a separate thread. Closing this iterator, or interrupting the
    caller while it waits, cancels the coroutine and waits for its end.

    Args:
        produce: makes the coroutine from the function that emits an item.
    """
    queue: SimpleQueue[Item | _End] = SimpleQueue()
    loop = asyncio.new_event_loop()
    task = loop.create_task(produce(queue.put))
    thread = Thread(target=_drive, args=(loop, task, queue), daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    except BaseException:
        if thread.is_alive():
            loop.call_soon_threadsafe(task.cancel)
        raise
    finally:
        thread.join()
        loop.close()


def _drive(
    loop: asyncio.AbstractEventLoop, task: asyncio.Task[None], queue: SimpleQueue[Any]
) -> None:
    error: BaseException | None = None
    try:
        loop.run_until_complete(task)
    except BaseException as raised:
        error = raised
    queue.put(_End(error))


async def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended."""
    running = set(tasks)
    while running:  # once may not be enough: a library can take a cancellation for its own timeout
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=1)
