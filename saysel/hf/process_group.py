"""The processes of a run: who they are, how they meet, wait for each other, and part.

Libraries see a single process: the launcher's environment variables are removed once they are
read. What the processes do together is in `saysel.hf.processes`.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from saysel.display import terminal
from saysel.errors import StageError, UsageError
from saysel.workers.outcomes import Failure

#: Variables with which launchers describe a process; libraries must not see them.
LAUNCHER_VARIABLES = (
    *("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "GROUP_RANK", "GROUP_WORLD_SIZE"),
    *("ROLE_RANK", "ROLE_WORLD_SIZE"),
)
#: Seconds between two looks at whether there is something to do.
POLL_SECONDS = 0.02
#: How long a process that failed waits for the first process to report its error.
REPORT_SECONDS = 20.0
#: How long the first process waits for the reason why another one left.
REASON_SECONDS = 3.0
#: Between two calls the first process may work alone for hours.
TIMEOUT = timedelta(days=30)


@dataclass
class Group:
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


GROUP = Group()


def rank() -> int:
    """The number of this process; the first one, 0, writes the records."""
    return GROUP.rank


def available() -> int:
    """How many processes work on the run."""
    return GROUP.count


def count() -> int:
    """How many processes compute the present result: 1 except inside `together`."""
    return GROUP.count if GROUP.joint else 1


def sharded() -> bool:
    """Whether models are sharded over the processes while they are trained (FSDP2)."""
    return GROUP.shard and count() > 1


def join(shard: bool = False) -> None:
    """Connect to the other processes that the launcher has started, if it has started any.

    Args:
        shard: shard models over the processes while they are trained. `accelerate launch
            --use_fsdp` sets it too.

    Raises:
        UsageError: the launcher uses DeepSpeed.
    """
    if GROUP.store is not None or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return
    if os.environ.get("ACCELERATE_USE_DEEPSPEED") == "true":
        raise UsageError("DeepSpeed is not supported: launch with FSDP, or without either")
    import torch
    from torch import distributed
    from torch.distributed.distributed_c10d import PrefixStore
    from torch.distributed.rendezvous import rendezvous

    store, GROUP.rank, GROUP.count = next(rendezvous("env://", timeout=TIMEOUT))
    accelerated = torch.cuda.is_available()
    if accelerated:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", GROUP.rank)))
    distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if accelerated else "gloo",
        store=PrefixStore("group", store),
        rank=GROUP.rank,
        world_size=GROUP.count,
        timeout=TIMEOUT,
    )
    GROUP.store = PrefixStore("saysel", store)
    GROUP.shard = shard or os.environ.get("ACCELERATE_USE_FSDP") == "true"
    for name in list(os.environ):
        if name in LAUNCHER_VARIABLES or name.startswith(("ACCELERATE_", "FSDP_")):
            del os.environ[name]
    if GROUP.rank:
        terminal.silence()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process decides


def end_group(patience: float) -> None:
    """Tell the others that the run is over, and wait until they know: the store ends with us."""
    if GROUP.store is None:
        return
    from torch import distributed

    with suppress(RuntimeError):  # a launcher may have ended them
        GROUP.store.set("over", "1")
        distributed.destroy_process_group()  # wakes those that wait for this process
        left = [f"left/{other}" for other in range(1, available())]
        until = time.monotonic() + patience
        while not GROUP.store.check(left) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
    GROUP.store, GROUP.rank, GROUP.count = None, 0, 1


def wait_for(key: str) -> bool:
    """Wait for a key of the store; whether it came before the end of the run.

    Looking now and then, instead of waiting inside the library, lets Ctrl-C through and ends
    when another process has failed.
    """
    while not GROUP.store.check([key]):
        if GROUP.store.check(["over"]):
            return False
        if rank() == 0 and GROUP.store.check(["failed"]):
            raise RuntimeError("another process failed")
        time.sleep(POLL_SECONDS)
    return True


def leave_group(error: BaseException) -> None:
    """Hand an error to the first process and leave the group, which wakes the others."""
    from torch import distributed

    with suppress(RuntimeError):  # the first process may have ended, and the store with it
        if isinstance(error, Exception) and not GROUP.store.check(["over"]):
            GROUP.store.set("failed", pickle.dumps(Failure.of(error)))
        distributed.destroy_process_group()
        until = time.monotonic() + REPORT_SECONDS
        while not GROUP.store.check(["over"]) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        GROUP.store.set(f"left/{rank()}", "1")


def reason_for(error: RuntimeError) -> BaseException:
    """What the first process raises for an error in a call: a failure elsewhere explains it."""
    until = time.monotonic() + REASON_SECONDS
    lost = "peer" in str(error) or "another process" in str(error) or "Gloo" in str(error)
    while lost and time.monotonic() < until:
        if GROUP.store.check(["failed"]):
            failure: Failure = pickle.loads(GROUP.store.get("failed"))
            return failure.error()
        time.sleep(POLL_SECONDS)
    if lost:
        return StageError(
            "another process of this run has ended unexpectedly, perhaps because memory ran out"
        )
    return error
