"""Work on many items in numbered shards, which the recipe's engine processes.

A stage that was stopped does only the shards that are missing. A shard's number and size are part
of the seed of what is sampled in it, so they do not depend on what is already there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from saysel.contracts.returned import refuse
from saysel.costs import ledger
from saysel.costs.ledger import Ledger
from saysel.display.batch_progress import batch_progress_goes_to, generation_goes_to
from saysel.interfaces import Engine, Progress, Sampler
from saysel.records import Question
from saysel.seeds import seed_of
from saysel.storage import Shards

Item = TypeVar("Item")

#: Called with the number of items of the shard that were processed since the last call.
Tick = Callable[[int], None]
#: Shard number, items, tick → records. Has to be picklable: engines may send it to another process.
ShardWork = Callable[[int, Sequence[Any], Tick], Sequence[Any]]


class Shard(NamedTuple):
    """Consecutive items of a stage."""

    number: int
    items: Sequence[Any]


@dataclass(frozen=True)
class Layout:
    """How the items of a stage are cut into shards.

    Attributes:
        size: items in a shard.
        total: number of items, or the most there can be.
        units: units of progress per item.
        unit: what they are called.
    """

    size: int
    total: int
    unit: str
    units: int = 1

    @property
    def count(self) -> int:
        """How many shards there are."""
        return -(-self.total // self.size)

    def items_in(self, numbers: Iterable[int]) -> int:
        """How many items some shards have together."""
        return sum(min(self.size, self.total - number * self.size) for number in numbers)


def map_shards(
    work: ShardWork,
    items: Iterable[Any],
    layout: Layout,
    stored: Shards,
    *,
    engine: Engine,
    progress: Progress | LiveProgress,
) -> int:
    """Process the shards that are not stored yet, and store each result as it arrives.

    Args:
        work: what to do with a shard.
        items: all items, in order; read one shard at a time.
        stored: where the records go.
        progress: begins here, unless it is a `LiveProgress`, which the caller has begun.

    Returns:
        The number of items, those of stored shards included.

    Raises:
        ContractError: the engine did not return the results of all shards.
    """
    missing = set(stored.missing(layout.count))
    if isinstance(progress, LiveProgress):
        live = progress
    else:
        progress.begin(layout.items_in(missing) * layout.units, layout.unit)
        live = LiveProgress(progress, layout.units)
    sizes: list[int] = []

    def shards() -> Iterator[Shard]:
        for number, part in enumerate(batches(items, layout.size)):
            sizes.append(len(part))
            if number in missing:
                yield Shard(number, part)

    for number, size, records in engine.map(ShardTask(work, ledger.current(), live), shards()):
        stored.write(number, records)
        live.shard_finished(size)
    lost = stored.missing(len(sizes))  # also deletes shards beyond the last
    if lost:
        returned = f"no results for {len(lost)} of {len(sizes)} shards"
        refuse(engine, returned, "the result of every shard, in order", verbatim=True)
    return sum(sizes)


@dataclass(frozen=True)
class ShardTask:
    """A stage's work on one shard, as the engine calls it; can be sent to another process."""

    work: ShardWork
    ledger: Ledger
    progress: LiveProgress

    def __call__(self, shard: Shard) -> tuple[int, int, list[Any]]:
        size = len(shard.items)

        def listen(done: int, total: int) -> None:
            self.progress.reach(size * done // total)

        self.progress.begin_shard(size)
        with (
            self.ledger.opened(),
            batch_progress_goes_to(listen),
            generation_goes_to(self.progress.generated),
        ):
            records = self.work(shard.number, shard.items, self.progress.tick)
        return shard.number, size, list(records)


class LiveProgress:
    """Progress during the work where the engine works in this process, else shard by shard.

    A shard reports its progress in up to three ways: items that are processed, items of a batch
    that are processed, and replies that are generated, each of which is a unit. The furthest of
    them is shown.
    """

    def __init__(self, progress: Progress | None, units: int) -> None:
        self._progress = progress  # `None` in another process
        self._units = units  # per item
        self._shown = 0
        self._finished = 0  # units of the shards before the current one
        self.begin_shard(0)

    def begin_shard(self, items: int) -> None:
        """A shard of so many items starts."""
        self._size = items * self._units
        self._ticked = self._reached = 0
        self._generated = 0.0

    def tick(self, items: int = 1) -> None:
        """So many more items of the shard are processed."""
        self._ticked += items * self._units
        self._show(self._ticked)

    def reach(self, items: int) -> None:
        """So many items of the shard are processed in all."""
        self._reached = max(self._reached, items * self._units)
        self._show(self._reached)

    def generated(self, replies: float, tokens: int) -> None:
        """So many more replies are generated; their tokens are counted elsewhere."""
        self._generated += replies
        self._show(int(self._generated))

    def shard_finished(self, items: int) -> None:
        """A whole shard is stored: what it has not reported is shown now."""
        self._finished += items * self._units
        self.begin_shard(0)
        self._show(0)

    def _show(self, units: int) -> None:
        """So many units of the shard are done."""
        more = self._finished + min(units, self._size) - self._shown
        if self._progress is not None and more > 0:
            self._shown += more
            self._progress.advance(more)

    def __reduce__(self) -> tuple[type[LiveProgress], tuple[None, int]]:
        return LiveProgress, (None, self._units)


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Consecutive lists of at most `size` items, one at a time in memory."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


def by_question(
    questions: Iterable[Question], records: Iterable[Any]
) -> Iterator[tuple[Question, list[Any]]]:
    """Each question that has records, with its records, in the records' order.

    One question at a time: the records of all of them need not fit into memory.
    """
    known = {question.id: question for question in questions}
    for question_id, members in groupby(records, key=attrgetter("question_id")):
        yield known[question_id], list(members)


def shard_seed(sampler: Sampler, stage: str, seed: int, shard: int | str) -> int:
    """The seed for the samples of one shard of a stage.

    The responses of a server are cached by prompt and seed. There the shard does not count: with
    other questions, or more samples of each, a prompt is in another shard and must not be asked
    again.
    """
    return seed_of(stage, seed) if sampler.remote else seed_of(stage, seed, shard)
