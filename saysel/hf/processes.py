"""Several processes that work on one run: who they are, and how they divide work.

A launcher (`saysel run --processes`, torchrun, `accelerate launch`) starts the same command several
times. The first process walks the run and writes all records; the others `follow` it: they wait for
work, do their share, and return what they computed. In a run of one process, every function here
works on that process alone, and torch.distributed is not imported.

    with leading():                         # in the first process; the others call follow()
        list(share(function, shards))       # each process computes some of the results
        together(train, follow=train_too)   # all processes compute one result

Libraries see a single process: the launcher's environment variables are removed once they are
read. Gradients are averaged by `saysel.hf.data_parallel`, in the same way for every trainer.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from saysel.costs.server_calls import limits_shared_by
from saysel.display import terminal
from saysel.errors import StageError, UsageError
from saysel.seeds import seed_of
from saysel.workers.outcomes import Failure, Outcome, outcome

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Variables with which launchers describe a process; libraries must not see them.
LAUNCHER_VARIABLES = (
    *("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE"),
    *("ROLE_RANK", "ROLE_WORLD_SIZE"),
)
#: Seconds between two looks at whether there is something to do.
POLL_SECONDS = 0.02
#: How long a first process that fails waits for the others to leave.
FAILURE_SECONDS = 2.0
#: How long a process that failed waits for the first process to report its error.
REPORT_SECONDS = 20.0
#: How long the first process waits for the reason why another one left.
REASON_SECONDS = 3.0
#: Between two calls the first process may work alone for hours.
TIMEOUT = timedelta(days=30)


@dataclass
class _Group:
    """The processes of this run, seen from this one.

    Attributes:
        rank: number of this process; 0 walks the run.
        count: number of processes.
        shard: whether models are sharded over the processes while they are trained.
        store: key-value store of all processes; `None` in a run of one process.
        calls: number of calls so far, which names the next one.
        joint: whether all processes compute one result now, see `together`.
    """

    rank: int = 0
    count: int = 1
    shard: bool = False
    store: Any = None
    calls: int = 0
    joint: bool = False


_GROUP = _Group()


def rank() -> int:
    """The number of this process; the first one, 0, writes the records."""
    return _GROUP.rank


def available() -> int:
    """How many processes work on the run."""
    return _GROUP.count


def count() -> int:
    """How many processes compute the present result: 1 except inside `together`."""
    return _GROUP.count if _GROUP.joint else 1


def sharded() -> bool:
    """Whether models are sharded over the processes while they are trained (FSDP2)."""
    return _GROUP.shard and count() > 1


def join(shard: bool = False) -> None:
    """Connect to the other processes that the launcher has started, if it has started any.

    Args:
        shard: shard models over the processes while they are trained. `accelerate launch
            --use_fsdp` sets it too.

    Raises:
        UsageError: the launcher uses DeepSpeed.
    """
    if _GROUP.store is not None or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return
    if os.environ.get("ACCELERATE_USE_DEEPSPEED") == "true":
        raise UsageError("DeepSpeed is not supported: launch with FSDP, or without either")
    import torch
    from torch import distributed
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    store, _GROUP.rank, _GROUP.count = next(rendezvous("env://", timeout=TIMEOUT))
    accelerated = torch.cuda.is_available()
    if accelerated:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", _GROUP.rank)))
    distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if accelerated else "gloo",
        store=PrefixStore("group", store),
        rank=_GROUP.rank,
        world_size=_GROUP.count,
        timeout=TIMEOUT,
    )
    _GROUP.store = PrefixStore("saysel", store)
    _GROUP.shard = shard or os.environ.get("ACCELERATE_USE_FSDP") == "true"
    for name in list(os.environ):
        if name in LAUNCHER_VARIABLES or name.startswith(("ACCELERATE_", "FSDP_")):
            del os.environ[name]
    if _GROUP.rank:
        terminal.silence()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process decides


@contextmanager
def leading() -> Iterator[None]:
    """In the first process: the others follow until the end of this block."""
    try:
        yield
    except BaseException:
        _end(patience=FAILURE_SECONDS)
        raise
    _end(patience=TIMEOUT.total_seconds())


def _end(patience: float) -> None:
    """Tell the others that the run is over, and wait until they know: the store ends with us."""
    if _GROUP.store is None:
        return
    from torch import distributed

    with suppress(RuntimeError):  # a launcher may have ended them
        _GROUP.store.set("over", "1")
        distributed.destroy_process_group()  # wakes those that wait for this process
        left = [f"left/{other}" for other in range(1, available())]
        until = time.monotonic() + patience
        while not _GROUP.store.check(left) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
    _GROUP.store, _GROUP.rank, _GROUP.count = None, 0, 1


def follow() -> None:
    """In the other processes: do what the first one asks for, until it is done.

    Raises:
        SystemExit: this process failed, or the first one did.
    """
    from torch import distributed

    try:
        while _wait_for(f"call/{_GROUP.calls}"):
            call: list[Any] = [None]
            distributed.broadcast_object_list(call, src=0)
            work, _GROUP.joint = call[0]
            _answer(work())
        distributed.destroy_process_group()
        _GROUP.store.set(f"left/{rank()}", "1")
    except (Exception, KeyboardInterrupt) as error:
        _leave(error)
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

    number = _GROUP.calls
    try:
        _GROUP.store.set(f"call/{number}", "1")
        distributed.broadcast_object_list([(follow, joint)], src=0)
        _GROUP.joint = joint
        result = lead()
        for other in range(1, available()):
            _wait_for(f"done/{number}/{other}")
        return result, _answer(result)[1:]
    except RuntimeError as error:
        raise _reason(error) from error
    finally:
        _GROUP.joint = False


def _answer(result: Any) -> list[Any]:
    """Send a result to the first process, which gets those of all."""
    from torch import distributed

    results = [None] * available() if rank() == 0 else None
    if rank():
        _GROUP.store.set(f"done/{_GROUP.calls}/{rank()}", "1")
    distributed.gather_object(result, results, dst=0)
    _GROUP.calls += 1
    return results or []


def _wait_for(key: str) -> bool:
    """Wait for a key of the store; whether it came before the end of the run.

    Looking now and then, instead of waiting inside the library, lets Ctrl-C through and ends
    when another process has failed.
    """
    while not _GROUP.store.check([key]):
        if _GROUP.store.check(["over"]):
            return False
        if rank() == 0 and _GROUP.store.check(["failed"]):
            raise RuntimeError("another process failed")
        time.sleep(POLL_SECONDS)
    return True


def _leave(error: BaseException) -> None:
    """Hand an error to the first process and leave the group, which wakes the others."""
    from torch import distributed

    with suppress(RuntimeError):  # the first process may have ended, and the store with it
        if isinstance(error, Exception) and not _GROUP.store.check(["over"]):
            _GROUP.store.set("failed", pickle.dumps(Failure.of(error)))
        distributed.destroy_process_group()
        until = time.monotonic() + REPORT_SECONDS
        while not _GROUP.store.check(["over"]) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        _GROUP.store.set(f"left/{rank()}", "1")


def _reason(error: RuntimeError) -> BaseException:
    """What the first process raises for an error in a call: a failure elsewhere explains it."""
    until = time.monotonic() + REASON_SECONDS
    lost = "peer" in str(error) or "another process" in str(error) or "Gloo" in str(error)
    while lost and time.monotonic() < until:
        if _GROUP.store.check(["failed"]):
            failure: Failure = pickle.loads(_GROUP.store.get("failed"))
            return failure.error()
        time.sleep(POLL_SECONDS)
    if lost:
        return StageError(
            "another process of this run has ended unexpectedly, perhaps because memory ran out"
        )
    return error
