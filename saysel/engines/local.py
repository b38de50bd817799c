"""Shards one after another, in this process; in a run of several processes, divided among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from saysel.hf import processes
from saysel.interfaces import Engine, Item, Result


class LocalEngine(Engine):
    """Run the shards one after another in each process of the run."""

    def map(self, function: Callable[[Item], Result], shards: Iterable[Item]) -> Iterator[Result]:
        return (
            map(function, shards)
            if processes.available() == 1
            else processes.share(function, shards)
        )
