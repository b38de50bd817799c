"""Keeping below a server's limits of requests and tokens per minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable


class RateLimiter:
    """Spaces requests so that no minute has more requests or tokens than allowed.

    Requests leave at equal distances instead of in bursts, which satisfies every way that servers
    count a minute. `None`: no limit.
    """

    @classmethod
    def of(
        cls, account: Hashable, requests_per_minute: int | None, tokens_per_minute: int | None
    ) -> RateLimiter:
        """The limiter of an account, shared within a process: a minute outlasts a call."""
        key = (account, requests_per_minute, tokens_per_minute)
        return _LIMITERS.setdefault(key, cls(requests_per_minute, tokens_per_minute))

    def __init__(self, requests_per_minute: int | None, tokens_per_minute: int | None) -> None:
        self._per_request = 60 / requests_per_minute if requests_per_minute else 0.0
        self._per_token = 60 / tokens_per_minute if tokens_per_minute else 0.0
        self._free = 0.0

    async def wait(self, tokens: int) -> None:
        """Return once a request of so many tokens may leave."""
        now = time.monotonic()
        start = max(now, self._free)
        self._free = start + max(self._per_request, tokens * self._per_token)
        if start > now:
            await asyncio.sleep(start - now)


_LIMITERS: dict[Hashable, RateLimiter] = {}
