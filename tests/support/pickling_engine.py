"""An engine that sends shards and results through pickle, as engines with other processes do."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator

from saysel.interfaces import Engine, Item, Result

#: For each `map`, the type of the stage's work and the number of its shards.
MAPPED: list[tuple[str, int]] = []


class PicklingEngine(Engine):
    """Runs shards in this process, on copies of everything."""

    def map(self, function: Callable[[Item], Result], shards: Iterable[Item]) -> Iterator[Result]:
        sent = [pickle.dumps(shard) for shard in shards]
        MAPPED.append((type(getattr(function, "work", function)).__name__, len(sent)))
        for shard in sent:
            copy = pickle.loads(pickle.dumps(function))
            yield pickle.loads(pickle.dumps(copy(pickle.loads(shard))))
