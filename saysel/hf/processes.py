"""Several processes that work on one run, and how they divide the work.

A launcher (`saysel run --processes`, torchrun, `accelerate launch`) starts the same command several
times. The first process walks the run and writes all records; the others `follow` it: they wait for
work, do their share, and return what they computed. In a run of one process, every function here
works on that process alone, and torch.distributed is not imported.

    with leading():                         # in the first process; the others call follow()
        list(share(function, shards))       # each process computes some of the results
        together(train, follow=train_too)   # all processes compute one result

Gradients are averaged by `saysel.hf.data_parallel`, in the same way for every trainer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from saysel.costs.server_calls import limits_shared_by
from saysel.hf.process_group import (
    GROUP,
    TIMEOUT,
    available,
    count,
    end_group,
    join,
    leave_group,
    rank,
    reason_for,
    sharded,
    wait_for,
)
from saysel.seeds import seed_of
from saysel.workers.outcomes import Outcome, outcome

Item = TypeVar("Item")
Result = TypeVar("Result")

#: How long a first process that fails waits for the others to leave.
FAILURE_SECONDS = 2.0

__all__ = [
    "available",
    "count",
    "follow",
    "gather",
    "join",
    "leading",
    "own_seed",
    "part",
    "rank",
    "sharded",
    "share",
    "together",
]


@contextmanager
def leading() -> Iterator[None]:
    """In the first process: the others follow until the end of this block."""
    try:
        yield
    except BaseException:
        end_group(patience=FAILURE_SECONDS)
        raise
    end_group(patience=TIMEOUT.total_seconds())


def follow() -> None:
    """In the other processes: do what the first one asks for, until it is done.

    Raises:
        SystemExit: this process failed, or the first one did.
    """
    from torch import distributed

    try:
        while wait_for(f"call/{GROUP.calls}"):
            call: list[Any] = [None]
            distributed.broadcast_object_list(call, src=0)
            work, GROUP.joint = call[0]
            _answer(work())
        distributed.destroy_process_group()
        GROUP.store.set(f"left/{rank()}", "1")
    except (Exception, KeyboardInterrupt) as error:
        leave_group(error)
        raise SystemExit(1) from None


def together(lead: Callable[[], Result], follow: Callable[[], Any]) -> tuple[Result, list[Any]]:
    """Compute something in all processes at once, which may communicate while they do.

    Args:
        lead: called in this process.
        follow: sent to the others and called there.

    Returns:
        The result of this process and those of the others.

    Raises:
        StageError: another process ended.
        Exception: what was raised here or in another process.
    """
    if available() == 1:
        return lead(), []
    return _call(lead, follow, joint=True)


def share(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The function's results in the order of the items; each process computes every n-th one.

    Args:
        function, items: are sent to other processes.

    Raises:
        Exception: what the function raised for an item, after the results for the items that
            were computed at the same time.
    """
    remaining = iter(items)
    while group := list(islice(remaining, available())):
        work = partial(_own_outcome, function, group)
        first, others = _call(work, work, joint=False)
        outcomes = [first, *others[: len(group) - 1]]
        yield from (each.result for each in outcomes if each.failure is None)
        for each in outcomes:
            if each.failure is not None:
                raise each.failure.error()


def gather(value: Item) -> list[Item]:
    """The values of all processes, in the order of their numbers; all have to call this."""
    if count() == 1:
        return [value]
    from torch import distributed

    values: list[Any] = [None] * count()
    distributed.all_gather_object(values, value)
    return values


def part(items: Sequence[Item]) -> Sequence[Item]:
    """This process's share of some items: consecutive ones, as many as others have, or one less."""
    size = len(items)
    return items[rank() * size // count() : (rank() + 1) * size // count()]


def own_seed(seed: int) -> int:
    """A seed of this process; that of the first one, and of a run of one process, is `seed`."""
    return seed if rank() == 0 else seed_of("process", seed, rank())


def _own_outcome(function: Callable[[Any], Any], group: Sequence[Any]) -> Outcome | None:
    if rank() >= len(group):
        return None
    with limits_shared_by(len(group)):
        return outcome(function, group[rank()])


def _call(lead: Callable[[], Any], follow: Callable[[], Any], joint: bool) -> tuple[Any, list[Any]]:
    """Call a function in this process and one in all others; their results, see `together`."""
    from torch import distributed

    number = GROUP.calls
    try:
        GROUP.store.set(f"call/{number}", "1")
        distributed.broadcast_object_list([(follow, joint)], src=0)
        GROUP.joint = joint
        result = lead()
        for other in range(1, available()):
            wait_for(f"done/{number}/{other}")
        return result, _answer(result)[1:]
    except RuntimeError as error:
        raise reason_for(error) from error
    finally:
        GROUP.joint = False


def _answer(result: Any) -> list[Any]:
    """Send a result to the first process, which gets those of all."""
    from torch import distributed

    results = [None] * available() if rank() == 0 else None
    if rank():
        GROUP.store.set(f"done/{GROUP.calls}/{rank()}", "1")
    distributed.gather_object(result, results, dst=0)
    GROUP.calls += 1
    return results or []
