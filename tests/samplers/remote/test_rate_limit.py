from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from saysel.samplers.remote import rate_limit
from saysel.samplers.remote.rate_limit import RateLimiter


def leaves(
    monkeypatch: pytest.MonkeyPatch, requests: int | None, tokens: int | None, sizes: Sequence[int]
) -> list[float]:
    """When each request leaves, in seconds, on a clock that only sleeping moves."""
    now = [0.0]

    async def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(rate_limit.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(rate_limit.asyncio, "sleep", sleep)

    async def all_of_them() -> list[float]:
        limits, found = RateLimiter(requests, tokens), []
        for size in sizes:
            await limits.wait(size)
            found.append(now[0])
        return found

    return asyncio.run(all_of_them())


def test_requests_are_evenly_spaced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert leaves(monkeypatch, 60, None, [1] * 4) == [0, 1, 2, 3]


def test_large_requests_make_the_next_wait_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert leaves(monkeypatch, None, 6000, [100, 300, 100]) == [0, 1, 4]


def test_the_tighter_limit_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert leaves(monkeypatch, 60, 6000, [10, 300, 10]) == [0, 1, 4]


def test_without_limits_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert leaves(monkeypatch, None, None, [10**9] * 3) == [0, 0, 0]
