"""One process at a time on storage that has no locks.

A lease is a file of the store that says who works there and until when:

    .lease/000007.json      {"owner": …, "user": …, "host": …, "process": …, "until": …}

Its holder renews it. A process that finds it expired takes over by creating the next number, which
only one process can. The highest number counts, so the previous holder sees that it has lost, and
stops before its next write.

Safe without a common clock to the second: a holder that could not renew stops after half of the
time after which others take over.
"""

from __future__ import annotations

import getpass
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from saysel.errors import RunBusy, SayselError
from saysel.mirror.names import LEASE as FOLDER
from saysel.mirror.store import Store

NAME = re.compile(rf"{re.escape(FOLDER)}/(\d+)\.json")
#: Seconds without renewal after which others take a lease over.
LEASE_SECONDS = 120.0


class Lease:
    """The lease of a store, as one process sees it.

    Attributes:
        owner: identifies a working copy; a lease of the same owner was left by a process that has
            ended, because the working copy has a lock, too.
        seconds: see `LEASE_SECONDS`; it is renewed every sixth of this time.
    """

    def __init__(self, store: Store, owner: str, seconds: float = LEASE_SECONDS) -> None:
        self.store = store
        self.owner = owner
        self.seconds = seconds
        self._number = 0
        self._renewed = (0.0, 0.0)
        self._lost = False
        self._renewing = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lease, which a thread renews.

        Raises:
            RunBusy: another process holds it.
        """
        self._take()
        try:
            with repeated(self._renew, self.seconds / 6):
                yield
        finally:
            with suppress(SayselError):  # it expires anyway
                if not self._lost:
                    self._write(until=0.0)

    def is_held_elsewhere(self) -> bool:
        """Whether another owner holds the lease, or was killed and its lease has not expired."""
        return self._is_of_other(self._current()[1])

    def check(self) -> None:
        """Make sure that this process still holds the lease; renew it if that is due.

        Raises:
            RunBusy: another process has taken over.
            StageError: the store cannot be reached.
        """
        if self._lost or self._age() > self.seconds / 2:
            self._renew()

    def _take(self) -> None:
        number, found = self._current()
        if self._is_of_other(found):
            raise self._busy(found)
        self._number = number + 1
        if not self._write(create=True):
            raise self._busy(self._current()[1])
        # A folder that changes while it is listed can look empty: then a higher number exists.
        highest, holder = self._current()
        if highest != self._number:
            self.store.delete([_name(self._number)])
            raise self._busy(holder)
        # The previous holder may have renewed in the meantime; then it still holds the lease.
        again = self._read(number)
        if again is not None and found is not None and again["until"] > found["until"]:
            self.store.delete([_name(self._number)])
            raise self._busy(again)
        earlier = {_name(each) for each in range(max(1, self._number - 9), self._number)}
        self.store.delete(earlier & set(self.store.list(FOLDER)))

    def _is_of_other(self, found: Mapping[str, Any] | None) -> bool:
        """Whether what a lease says is that another owner holds it."""
        return found is not None and found["owner"] != self.owner and found["until"] > time.time()

    def _renew(self) -> None:
        with self._renewing:
            if not self._lost:
                began = _now()
                self._write()
                number, found = self._current()
                self._lost = number != self._number
                self._renewed = began
            if self._lost:
                self.store.delete([_name(self._number)])
                _, found = self._current()
                raise RunBusy(
                    f"{self.store.address}: another process has taken this run over "
                    f"({_who(found)}), because this one could not renew its lease in time: it "
                    "writes nothing more, and what was finished is kept"
                )

    def _write(self, create: bool = False, until: float | None = None) -> bool:
        now = time.time()
        content = {
            "owner": self.owner,
            "user": _user(),
            "host": socket.gethostname(),
            "process": os.getpid(),
            "renewed": round(now, 3),
            "until": round(now + self.seconds, 3) if until is None else until,
        }
        text = json.dumps(content).encode()
        if not create:
            self.store.write(_name(self._number), text)
            return True
        self._renewed = _now()
        return self.store.create(_name(self._number), text)

    def _age(self) -> float:
        # One clock counts while the machine sleeps, the other one cannot be set.
        return max(now - then for now, then in zip(_now(), self._renewed, strict=True))

    def _current(self) -> tuple[int, Mapping[str, Any] | None]:
        """The highest number and what it says; 0 if there is none."""
        numbers = [int(found[1]) for found in map(NAME.fullmatch, self.store.list(FOLDER)) if found]
        number = max(numbers, default=0)
        return number, self._read(number)

    def _read(self, number: int) -> Mapping[str, Any] | None:
        content = self.store.read(_name(number)) if number else None
        return None if content is None else json.loads(content)

    def _busy(self, found: Mapping[str, Any] | None) -> RunBusy:
        message = f"{self.store.address}: another saysel process works in this run directory"
        if found is not None:
            left = max(0.0, found["until"] - time.time())
            message += f" ({_who(found)}; if it was killed, its lease ends in {left:.0f} s)"
        return RunBusy(f"{message}: wait for it, or choose another with --out")


@contextmanager
def repeated(function: Callable[[], object], seconds: float) -> Iterator[None]:
    """Call a function in a thread, again and again after a pause.

    Expected errors are left to those who call it when they need the result.
    """
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(seconds):
            with suppress(SayselError):
                function()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _name(number: int) -> str:
    return f"{FOLDER}/{number:06}.json"


def _who(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "unknown"
    age = max(0.0, time.time() - found["renewed"])
    return (
        f"process {found['process']} of {found['user']} on {found['host']}, last seen {age:.0f} s "
        "ago"
    )


def _user() -> str:
    with suppress(Exception):
        return getpass.getuser()
    return "unknown"


def _now() -> tuple[float, float]:
    return time.time(), time.monotonic()
