"""Staying below a server's limits on requests and tokens per minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable


class RateLimiter:
    """Spaces requests so that no minute has more requests or tokens than allowed.

    Requests are evenly spaced instead of sent in bursts, which satisfies every way in which
    servers count a minute. `None`: no limit.
    """

    @classmethod
    def shared(
        cls, account: Hashable, requests_per_minute: int | None, tokens_per_minute: int | None
    ) -> RateLimiter:
        """The limiter of an account in this process: a minute can span several calls."""
        key = (account, requests_per_minute, tokens_per_minute)
        return _LIMITERS.setdefault(key, cls(requests_per_minute, tokens_per_minute))

    def __init__(self, requests_per_minute: int | None, tokens_per_minute: int | None) -> None:
        self._seconds_per_request = 60 / requests_per_minute if requests_per_minute else 0.0
        self._seconds_per_token = 60 / tokens_per_minute if tokens_per_minute else 0.0
        self._next_start = 0.0  # on the monotonic clock

    async def wait(self, tokens: int) -> None:
        """Return when a request of so many tokens may be sent."""
        now = time.monotonic()
        start = max(now, self._next_start)
        spacing = max(self._seconds_per_request, tokens * self._seconds_per_token)
        self._next_start = start + spacing
        if start > now:
            await asyncio.sleep(start - now)


_LIMITERS: dict[Hashable, RateLimiter] = {}
