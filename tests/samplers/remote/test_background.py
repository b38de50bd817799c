from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from saysel.samplers.remote.background import cancel_all, emitted


async def count(emit: Callable[[int], None]) -> None:
    for number in range(3):
        emit(number)
        await asyncio.sleep(0)


def test_items_arrive_in_the_order_in_which_they_are_emitted() -> None:
    assert list(emitted(count)) == [0, 1, 2]


def test_an_error_is_raised_after_what_was_emitted_before_it() -> None:
    async def fail(emit: Callable[[int], None]) -> None:
        await count(emit)
        raise ValueError("no more")

    items = emitted(fail)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no more"):
        next(items)


def test_closing_cancels_the_coroutine_and_waits_for_its_end() -> None:
    events = []

    async def endless(emit: Callable[[str], None]) -> None:
        emit("started")
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.05)  # cleaning up takes a while
            events.append("cleaned up")

    items = emitted(endless)
    assert next(items) == "started"
    items.close()

    assert events == ["cleaned up"]


def test_tasks_that_swallow_a_cancellation_are_cancelled_again() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(3600)

    async def cancel_both() -> list[bool]:
        tasks = [asyncio.create_task(stubborn()) for _ in range(2)]
        await asyncio.sleep(0)
        await cancel_all(tasks)
        return [task.cancelled() for task in tasks]

    assert asyncio.run(cancel_both()) == [True, True]
