"""Keeping the requests of a call below `max_cost`."""

from __future__ import annotations

import asyncio

from saysel.costs.ledger import OpenLedger
from saysel.costs.prices import Price
from saysel.errors import StageError
from saysel.interfaces import Prompt
from saysel.samplers.remote.protocol import Usage


class Budget:
    """What the requests under way may cost at most, and what those that returned have cost."""

    def __init__(self, ledger: OpenLedger, price: Price | None, model: str) -> None:
        self.ledger = ledger
        self.price = price
        self.model = model
        self._reserved: list[float] = []  # US dollars that each request under way may cost
        self._released = asyncio.Condition()

    def worst(self, prompt: Prompt, output_tokens: int) -> float:
        """US dollars that a request can cost at most, with so many tokens to be written."""
        if self.price is None:
            return 0.0
        return self.price.of(max_prompt_tokens(prompt), output_tokens)

    async def reserve(self, cost: float) -> None:
        """Wait until a request fits below the limit, whatever those under way will cost.

        Raises:
            StageError: it does not fit, and nothing is under way.
        """
        limit = self.ledger.ledger.max_cost
        if limit is None:
            return
        async with self._released:
            while self.ledger.spent + sum(self._reserved) + cost > limit:
                if not self._reserved:
                    raise StageError(
                        f"max_cost: {self.ledger.spent:.4f} of {limit:g} dollars are spent, and "
                        f"the next request may cost {cost:.4f}: raise max_cost and run again"
                    )
                await self._released.wait()
            self._reserved.append(cost)

    async def release(self, cost: float) -> None:
        """The request is over; what it cost has been noted."""
        if self.ledger.ledger.max_cost is not None:
            async with self._released:
                self._reserved.remove(cost)
                self._released.notify_all()

    def note(self, usage: Usage | None, worst: float) -> None:
        """Write one answer into the ledger; without usage it counts at its worst."""
        cost = None
        if self.price is not None:
            cost = self.price.of(*usage) if usage else worst
        read, written = usage or (0, 0)
        self.ledger.note(self.model, read, written, cost)


def likely_prompt_tokens(prompt: Prompt) -> int:
    """How many tokens a prompt is likely to have: one for four bytes of text."""
    return sum(4 + len(message["content"].encode("utf-8", "replace")) // 4 for message in prompt)


def max_prompt_tokens(prompt: Prompt) -> int:
    """More tokens than a prompt can have: no tokenizer makes two of a byte."""
    return sum(16 + len(message["content"].encode("utf-8", "replace")) for message in prompt)
