"""Small helpers for work in an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from queue import SimpleQueue
from typing import Any


def current_task() -> asyncio.Task[Any]:
    """The task that calls this."""
    task = asyncio.current_task()
    assert task is not None, "called in a task"
    return task


async def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended."""
    rest = set(tasks)
    while rest:  # once may not be enough: a library can take a cancellation for its own time-out
        for task in rest:
            task.cancel()
        _, rest = await asyncio.wait(rest, timeout=1)


def drive(
    loop: asyncio.AbstractEventLoop, work: asyncio.Task[None], failures: SimpleQueue[Any]
) -> None:
    """Run a loop until its work is over; for a thread. What the work raises is put in the queue."""
    try:
        loop.run_until_complete(work)
    except BaseException as error:
        failures.put(error)
