"""Shards one after another, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from saysel.interfaces import Engine, Item, Result


class LocalEngine(Engine):
    """Run the shards one after another in this process."""

    def map(self, function: Callable[[Item], Result], shards: Iterable[Item]) -> Iterator[Result]:
        return map(function, shards)
