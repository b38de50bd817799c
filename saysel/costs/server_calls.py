"""Asking servers on behalf of workers.

The ledger, the stored responses and all limits (`max_cost`, concurrency, requests and tokens per
minute) belong to the first process of a run, the one that writes its records. A worker, which is
another process on this machine or another one, therefore asks no server itself. It sends each call
of a sampler to the first process, which makes the calls one at a time: each of them has as many
requests in flight as the sampler allows.

    with server_calls_go_to(send):      # in the worker
        function(shard)

    call.make()                         # in the first process, for each call that was sent

The processes of `saysel run --processes` ask servers themselves. Each gets an equal part of the
limits: `limits_shared_by`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saysel.costs.ledger import Ledger
    from saysel.interfaces import Sampler

#: Held while a call is made.
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True)
class ServerReply:
    """What a call returned.

    Attributes:
        value: of the sampler's method, as a list, or `None`.
        refusals: why the server refused prompts, if the sampler tolerates that.
    """

    value: list[Any] | None
    refusals: list[str]


@dataclass(frozen=True)
class ServerCall:
    """A call of a sampler that asks a server; can be pickled.

    Attributes:
        method: `sample` or `logprobs`.
        arguments, options: of the method.
        ledger: of the stage.
    """

    sampler: Sampler
    method: str
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]
    ledger: Ledger

    def make(self) -> ServerReply:
        """Ask the server, once no other call is being made.

        Raises:
            SayselError: what the sampler raises.
        """
        sampler, refusals = self.sampler, list[str]()
        if sampler._refusals is not None:
            sampler = sampler.tolerate_refusals(refusals)
        with server_calls_go_to(None), _ONE_AT_A_TIME, self.ledger.opened():
            returned = getattr(sampler, self.method)(*self.arguments, **self.options)
            return ServerReply(None if returned is None else list(returned), refusals)


#: Sends a call to the first process and returns the reply; raises what the call raised.
Send = Callable[[ServerCall], ServerReply]

_SEND: ContextVar[Send | None] = ContextVar("server_calls", default=None)


@contextmanager
def server_calls_go_to(send: Send | None) -> Iterator[None]:
    """In a worker: calls of samplers that ask servers are sent; `None`: they are made here."""
    token = _SEND.set(send)
    try:
        yield
    finally:
        _SEND.reset(token)


#: How many processes ask servers at the same time.
_PROCESSES: ContextVar[int] = ContextVar("processes", default=1)


@contextmanager
def limits_shared_by(processes: int) -> Iterator[None]:
    """In each of several processes that ask servers: the limits are those of all together."""
    token = _PROCESSES.set(processes)
    try:
        yield
    finally:
        _PROCESSES.reset(token)


def own_part(limit: int) -> int:
    """This process's part of a limit, at least 1."""
    return max(1, limit // _PROCESSES.get())


def are_sent() -> bool:
    """Whether this is a worker, which asks no servers itself."""
    return _SEND.get() is not None


def sent_by_workers(method: Callable[..., Any]) -> Callable[..., Any]:
    """A sampler's method that workers send to the first process, if the sampler asks a server."""

    @wraps(method)
    def call(self: Sampler, *arguments: Any, **options: Any) -> Any:
        send = _SEND.get()
        if send is None or not self.remote:
            return method(self, *arguments, **options)
        from saysel.costs import ledger

        reply = send(ServerCall(self, method.__name__, arguments, options, ledger.current()))
        if self._refusals is not None:
            self._refusals.extend(reply.refusals)
        return reply.value

    return call
