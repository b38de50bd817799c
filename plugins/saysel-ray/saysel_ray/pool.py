"""The workers of a run: a thread of this process starts each, gives it shards, and replaces it."""

from __future__ import annotations

import time
import uuid
import warnings
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from saysel.errors import SayselWarning, StageError
from saysel.workers import Outcome, ServerCall, outcome
from saysel_ray.cluster import Cluster, Placement
from saysel_ray.remote import Closed, RemoteWorker, WorkerLost

#: Seconds within which the first worker has to start, in addition to the user's `wait`.
START_SECONDS = 120.0
#: How many workers a shard may lose before it is taken for the cause.
MAX_LOST = 3
#: Seconds to wait for the threads when the workers are ended.
CLOSE_SECONDS = 5.0


@dataclass(frozen=True)
class Work:
    """A function that all workers can get.

    Attributes:
        key: names it.
        packed: reference to it in Ray's object store.
    """

    key: str
    packed: Any


@dataclass(frozen=True, eq=False)
class Job:
    """A shard to be run.

    Attributes:
        lost: why workers were lost that ran it.
    """

    work: Work
    shard: bytes
    result: Future[Any] = field(default_factory=Future)
    lost: list[str] = field(default_factory=list)

    def finish(self, result: Any = None, error: BaseException | None = None) -> None:
        with suppress(InvalidStateError):  # the caller has cancelled it
            if error is None:
                self.result.set_result(result)
            else:
                self.result.set_exception(error)


@dataclass(frozen=True, eq=False)
class PendingCall:
    """A call of a server that a worker needs.

    Attributes:
        reply: raises `Closed` if the call is not made any more.
    """

    call: ServerCall
    reply: Future[Outcome] = field(default_factory=Future)


class Pool:
    """Workers on a cluster.

    Servers are asked by the thread that waits for results. It is the one that Ctrl-C interrupts, so
    no request is sent after that, and the replies to those in flight are stored.

    Attributes:
        count: how many were asked for.
    """

    def __init__(self, cluster: Cluster, placement: Placement) -> None:
        import ray

        self.count = self._left = placement.replicas
        self._cluster = cluster
        self._placement = placement
        self._own_node = ray.get_runtime_context().get_node_id()
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._calls: SimpleQueue[PendingCall | None] = SimpleQueue()  # None: a job has ended
        self._lock = Lock()
        self._started: set[RemoteWorker] = set()
        self._error: Exception | None = None  # of the last worker that could be left out
        self._closing = False
        self._threads = [Thread(target=self._serve, daemon=True) for _ in range(self.count)]
        for thread in self._threads:
            thread.start()

    def share(self, packed: bytes) -> Work:
        """Put a packed function where all workers can get it."""
        import ray

        return Work(uuid.uuid4().hex, ray.put(packed))

    def submit(self, work: Work, shard: bytes) -> Future[Any]:
        """Have a shard run by the next free worker.

        Args:
            shard: packed.
        """
        job = Job(work, shard)
        with self._lock:
            if self._error is None:
                self._jobs.put(job)
            else:
                job.finish(error=self._error)
        return job.result

    def result(self, submitted: Future[Any]) -> Any:
        """The result of a job; meanwhile servers are asked for all workers."""
        submitted.add_done_callback(lambda _: self._calls.put(None))
        while not submitted.done():
            pending = self._calls.get()
            if pending is not None:
                _answer(pending)
        return submitted.result()

    def close(self) -> None:
        """End all workers and leave the cluster."""
        with self._lock:
            self._closing = True
            started = list(self._started)
            while not self._calls.empty():
                pending = self._calls.get()
                if pending is not None:
                    pending.reply.set_exception(Closed())
        for _ in self._threads:
            self._jobs.put(None)
        for worker in started:
            worker.end()
        until = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        self._cluster.leave()

    # ------------------------------------------------------------------------ a thread per worker

    def _serve(self) -> None:
        """Keep a worker running, and give it one job at a time."""
        try:
            worker = self._start()
            while (job := self._jobs.get()) is not None and not self._closing:
                if not job.result.cancelled() and not self._run(worker, job):
                    worker = self._start()
        except Closed:
            pass
        except Exception as error:
            self._leave_out(error)

    def _start(self) -> RemoteWorker:
        """A worker that has started.

        Raises:
            StageError: it cannot be started, or none is in time.
        """
        worker = RemoteWorker(self._placement)
        until = time.monotonic() + START_SECONDS + self._placement.wait

        def keeps_waiting() -> bool:
            if not self._started and time.monotonic() > until:
                worker.end()
                raise StageError(self._too_late())
            return not self._closing

        worker.wait_until_started(keeps_waiting)
        with self._lock:
            self._started.add(worker)
        return worker

    def _run(self, worker: RemoteWorker, job: Job) -> bool:
        """Run a job; whether the worker is still there."""
        try:
            done = worker.run(job.work.key, job.work.packed, job.shard, self._ask)
        except Closed:
            raise
        except WorkerLost as lost:
            with self._lock:
                self._started.discard(worker)
            if self._closing:
                raise Closed from None
            self._again(job, str(lost))
            return False
        except Exception as error:
            job.finish(error=error)
            return True
        if done.failure is None:
            job.finish(done.result)
        else:
            job.finish(error=worker.explained(done.failure.error(), self._own_node))
        return True

    def _ask(self, call: ServerCall) -> Outcome:
        """The reply of a server, once the thread that waits for results has asked it."""
        pending = PendingCall(call)
        with self._lock:
            if self._closing:
                raise Closed
            self._calls.put(pending)
        return pending.reply.result()

    def _again(self, job: Job, lost: str) -> None:
        """Have another worker run the job of one that was lost."""
        job.lost.append(lost)
        if len(job.lost) < MAX_LOST:
            self._jobs.put(job)
            return
        job.finish(
            error=StageError(
                f"{MAX_LOST} workers of the Ray cluster have ended at the same shard, perhaps "
                f"because memory ran out ({lost}): use fewer workers per node, or smaller batches"
            )
        )

    def _leave_out(self, error: Exception) -> None:
        """Continue without this thread's worker; without the last one, all jobs fail."""
        with self._lock:
            self._left -= 1
            if not self._left:
                self._error = error
        if self._left:
            warnings.warn(f"a Ray worker is left out: {error}", SayselWarning, stacklevel=2)
            return
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None:
                job.finish(error=error)

    def _too_late(self) -> str:
        placement = self._placement
        seconds = START_SECONDS + placement.wait
        return (
            f"no worker of the Ray cluster has started within {seconds:.0f} seconds: another job "
            f"may have its devices (a worker needs {placement.devices:g} and {placement.cpus:g} "
            "CPUs): wait for it, or set engine.wait if the cluster adds nodes on demand"
        )


def _answer(pending: PendingCall) -> None:
    try:
        pending.reply.set_result(outcome(ServerCall.make, pending.call))
    except BaseException:  # Ctrl-C
        pending.reply.set_exception(Closed())
        raise
