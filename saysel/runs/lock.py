"""One process at a time in a run directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from saysel.display.terminal import echo
from saysel.errors import RunBusy
from saysel.storage import disk_error
from saysel.storage.mirrors import Mirror, mirror_of
from saysel.storage.sqlite import NO_LOCKS, no_locks

#: Seconds to wait for a lock: a process that asks whether a run is worked on holds it briefly.
WAIT_SECONDS = 0.2


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a run directory for this process; the lock ends with the process.

    The working copy of a run on shared storage is held together with its original.

    Raises:
        RunBusy: another process holds it.
    """
    mirror = mirror_of(directory)
    if mirror is None:
        with _file_lock(directory):
            yield
        return
    with _file_lock(directory, mirror), mirror.writing():
        echo(f"{mirror.address}: working copy in {mirror.root}", err=True)
        yield


def is_worked_on(directory: Path) -> bool | None:
    """Whether a process works in a run directory; `None` if this user may not open its lock."""
    from filelock import FileLock, Timeout

    mirror = mirror_of(directory)
    if (directory / ".lock").exists():
        try:
            with FileLock(directory / ".lock", timeout=0):
                pass
        except Timeout:
            return True
        except OSError:
            if mirror is None:
                return None
    return mirror is not None and mirror.is_held_elsewhere()


@contextmanager
def _file_lock(directory: Path, mirror: Mirror | None = None) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(directory / ".lock", timeout=WAIT_SECONDS)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with mirror.reading() if mirror else nullcontext():
            lock.acquire()
    except Timeout:
        raise RunBusy(
            f"{directory}: another saysel process works in this run directory: wait for it, or "
            "choose another with --out"
        ) from None
    except OSError as error:
        if error.errno in NO_LOCKS:
            raise no_locks(directory) from error
        raise disk_error(error, directory) from error
    try:
        yield
    finally:
        lock.release()
