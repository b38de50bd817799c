"""One process at a time, without locks."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from saysel.errors import RunBusy
from saysel.mirror.folder import Folder
from saysel.mirror.lease import Lease
from saysel.mirror.store import Store


def test_a_second_process_is_refused_with_the_name_of_the_holder(store: Store) -> None:
    with (
        Lease(store, "first").held(),
        pytest.raises(RunBusy) as caught,
        Lease(store, "second").held(),
    ):
        pass

    said = str(caught.value)
    assert said.startswith(f"{store.address}: another saysel process works in this run directory")
    assert f"process {os.getpid()} of " in said and f" on {socket.gethostname()}, last seen" in said
    assert " s ago; if it was killed, its lease ends in 1" in said and "\n" not in said
    with Lease(store, "second").held():
        pass  # at once, because the first has given it back
    assert not Lease(store, "first").is_held_elsewhere()


def test_a_lease_that_is_renewed_is_kept(store: Store) -> None:
    with Lease(store, "first", seconds=0.9).held():
        time.sleep(1.5)
        assert Lease(store, "second").is_held_elsewhere()
        with pytest.raises(RunBusy), Lease(store, "second").held():
            pass


def test_an_expired_lease_is_taken_over_and_its_holder_stops_before_it_writes(
    store: Store,
) -> None:
    suspended, other = Lease(store, "first", seconds=0.3), Lease(store, "second", seconds=60)
    suspended._take()  # and no thread renews it, as on a machine that sleeps
    suspended.check()
    time.sleep(0.4)
    with other.held():
        for _ in range(2):
            with pytest.raises(RunBusy, match="another process has taken this run over"):
                suspended.check()
        other.check()
    (name,) = store.list(".lease")
    assert json.loads(store.read(name) or b"")["owner"] == "second"


def test_a_process_of_the_same_working_copy_does_not_wait(store: Store) -> None:
    stopped = Lease(store, "first")
    stopped._take()  # killed here
    assert not Lease(store, "first").is_held_elsewhere()
    assert Lease(store, "second").is_held_elsewhere()

    with Lease(store, "first").held():
        pass


def test_one_of_many_takes_an_expired_lease_over(store: Store) -> None:
    Lease(store, "killed", seconds=0)._take()
    both = threading.Barrier(8)

    def attempt(number: int) -> bool:
        both.wait()
        try:
            Lease(store, f"machine {number}")._take()
        except RunBusy:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(attempt, range(8))).count(True) == 1


class ChangingFolder(Folder):
    """A folder that changes while it is listed: its first list misses every file."""

    listed = False

    def list(self, folder: str = "") -> dict[str, str]:
        found = super().list(folder) if self.listed else {}
        self.listed = True
        return found


def test_a_lease_that_a_list_missed_is_respected(tmp_path: Path) -> None:
    holder = Lease(Folder(tmp_path), "first")
    with holder.held(), holder.held():  # taken twice: the first number is free again
        for _ in range(2):
            with pytest.raises(RunBusy), Lease(ChangingFolder(tmp_path), "second").held():
                pass
        holder.check()


def test_what_is_no_lease_is_ignored(store: Store) -> None:
    store.write(".lease/notes.txt", b"hello")

    with Lease(store, "first").held():
        pass
