"""Keeping the requests of one `sample` call below `max_cost`."""

from __future__ import annotations

import asyncio

from saysel.costs.ledger import OpenLedger
from saysel.costs.prices import Price
from saysel.costs.tokens import max_prompt_tokens
from saysel.costs.usage import Usage
from saysel.records import Prompt


class Budget:
    """Reserves the highest possible cost of each request before it is sent."""

    def __init__(self, ledger: OpenLedger, price: Price | None, model: str) -> None:
        self.ledger = ledger
        self.price = price
        self.model = model
        self.max_cost = ledger.ledger.max_cost
        self._reserved: list[float] = []  # highest cost of each request under way, in US dollars
        self._released = asyncio.Condition()

    def highest_cost(self, prompt: Prompt, output_tokens: int) -> float:
        """The most that a request can cost, in US dollars.

        Args:
            output_tokens: the most tokens that its samples can have together.
        """
        if self.price is None:
            return 0.0
        return self.price.of(max_prompt_tokens(prompt), output_tokens)

    async def reserve(self, cost: float) -> None:
        """Wait until a request fits below the limit, assuming the highest cost for all others.

        Raises:
            StageError: it does not fit, and no other request is under way.
        """
        if self.max_cost is None:
            return
        async with self._released:
            while self.ledger.spent + sum(self._reserved) + cost > self.max_cost:
                if not self._reserved:
                    self.ledger.check(cost)
                await self._released.wait()
            self._reserved.append(cost)

    async def release(self, cost: float) -> None:
        """End the reservation of a request that is over and recorded."""
        if self.max_cost is not None:
            async with self._released:
                self._reserved.remove(cost)
                self._released.notify_all()

    def record(self, usage: Usage | None, highest_cost: float) -> None:
        """Record a request in the ledger; without usage, at its highest possible cost."""
        cost = None
        if self.price is not None:
            cost = self.price.of(*usage) if usage else highest_cost
        self.ledger.record(self.model, usage or Usage(0, 0), cost)
