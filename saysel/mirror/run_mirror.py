"""Keeps the working copy of a run in step with shared storage.

Reading fetches what is needed: the files at the top (recipe, manifest, report …) together, those
of a step when the step is looked at. Writing uploads each file as soon as it is written. Only the
process that holds the lease writes.

What a step leaves in its directory by other means than `saysel.storage` (a model, say) is uploaded
before the marker that lists it. Two kinds of files change all the time, the log and SQLite files;
they are uploaded each time the lease is renewed, and before every marker.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from saysel.errors import SayselError
from saysel.mirror import names
from saysel.mirror.index import Index, state
from saysel.mirror.lease import LEASE_SECONDS, Lease, repeated
from saysel.mirror.names import DATABASE, LOG
from saysel.mirror.store import Store
from saysel.storage import DONE, disk_error
from saysel.storage.markers import CHECKPOINTS
from saysel.storage.mirrors import Mirror, attach, mirror_of
from saysel.storage.sqlite import snapshot

#: After databases were uploaded, as many times the seconds that it took pass until the next time.
PAUSE = 9.0


class RunMirror(Mirror):
    """The working copy of one run, and its store."""

    def __init__(self, store: Store, root: Path, lease_seconds: float = LEASE_SECONDS) -> None:
        """Nothing is read or written yet.

        Args:
            root: the working copy, an absolute path.
            lease_seconds: see `saysel.mirror.lease`.
        """
        self.lease_seconds = lease_seconds
        self.store = store
        self.address = store.address
        self.root = root
        self._lease: Lease | None = None  # while this process may write
        self._stored: dict[str, str] | None = None  # stamps by name, once the store was listed
        self._runs_below: list[str] = []
        self._parts: set[str] = set()  # those that were brought since
        self._index = Index(root / names.INDEX)
        self._live = LiveFiles(self)
        self._lock = threading.RLock()  # a thread uploads, too

    def bring(self, path: Path) -> None:
        part = names.part(self._name(path))
        if part is None or part in self._parts:
            return
        with self._lock, self._undisturbed() as undisturbed:
            if not undisturbed:
                return  # the run that works here has the newest files
            if self._stored is None:
                self._list()
            self._bring(part)
            self._parts.add(part)
            if self._lease is not None:
                self._push(part)  # what an interrupted process could not upload

    def forget(self) -> None:
        if self._lease is None:
            self._stored = None
            self._parts.clear()

    def runs_below(self, folder: Path) -> list[Path]:
        if self._stored is None:
            self._list()
        runs = [run for run in self._runs_below if (self.root / run).parent == folder]
        for run in runs:
            if mirror_of(self.root / run) is self:
                attach(RunMirror(self.store.below(run), self.root / run))
        return [self.root / run for run in runs]

    def refresh(self, name: str) -> None:
        with self._lock, self._undisturbed() as undisturbed:
            if undisturbed and self.store.read(name) is not None:
                self._fetch(name)

    def is_held_elsewhere(self) -> bool:
        self.root.mkdir(parents=True, exist_ok=True)
        return Lease(self.store, _owner(self.root / names.OWNER)).is_held_elsewhere()

    def reading(self) -> AbstractContextManager[object]:
        from filelock import FileLock

        return FileLock(self.root / names.READING)

    @contextmanager
    def writing(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        lease = Lease(self.store, _owner(self.root / names.OWNER), self.lease_seconds)
        with lease.held():
            self._lease = lease
            try:
                self._list()
                self.bring(self.root)
                with repeated(self._live.push_when_due, self.lease_seconds / 6):
                    yield
            except BaseException:
                with suppress(SayselError):  # the first error is reported
                    self._push_all()
                raise
            else:
                self._push_all()
            finally:
                self._lease = None

    def wrote(self, path: Path) -> None:
        name = self._name(path)
        if self._lease is None or not names.is_copied(name):
            return
        if path.is_dir():
            self._push(name)
        else:
            self.put(name)
            self._delete(names.replaced_checkpoints(name, self._stored or (), self.root))

    def completes(self, directory: Path) -> None:
        if self._lease is not None:
            self._live.push()
            self._push(self._name(directory))

    def removed(self, directory: Path) -> None:
        if self._lease is not None:
            self._delete(self._in_store(self._name(directory)))

    def put(self, name: str, copy: Path | None = None) -> None:
        """Upload a file, or the copy of a file that changes all the time."""
        assert self._lease is not None
        self._lease.check()
        local = state(self.root / name)
        stamp = self.store.put(copy or self.root / name, name)
        with self._lock:
            self._index.set(name, stamp, local)
            if self._stored is not None:
                self._stored[name] = stamp

    def has_changed(self, name: str) -> bool:
        """Whether a local file differs from what was last exchanged with the store."""
        return not self._index.is_current(name, self.root / name)

    def _list(self) -> None:
        """List the store; what was fetched before is compared with it when it is read again."""
        stamps = self.store.list()
        names.safe(stamps, self.address)
        self._runs_below = names.runs_below(stamps)
        own = names.without(self._runs_below, stamps)
        self._stored = {name: stamps[name] for name in own if names.is_copied(name)}
        self._parts.clear()

    def _bring(self, part: str) -> None:
        """Make the local files of a part what the store has, except those that are new here."""
        stored = self._in_store(part)
        finished = f"{part}/{DONE}" in stored
        if finished:  # the process may have been killed before it deleted them
            stored = [name for name in stored if not name.startswith(f"{part}/{CHECKPOINTS}/")]
        for name in sorted(stored, key=names.marker_last):
            stamp = (self._stored or {})[name]
            if self._index.stamp(name) != stamp or not (self.root / name).exists():
                self._fetch(name)
                self._index.set(name, stamp, state(self.root / name))
        for name in set(self._local(part)) - set(stored):
            # Another machine has deleted it, or has finished the step without it.
            if finished or self._index.stamp(name) is not None:
                (self.root / name).unlink(missing_ok=True)
                self._index.drop(name)

    def _fetch(self, name: str) -> None:
        path = self.root / name
        partial = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.store.get(name, partial)
            for journal in names.journals(path):
                journal.unlink(missing_ok=True)
            partial.replace(path)
        except OSError as error:
            raise disk_error(error, path) from error

    def _push_all(self) -> None:
        """Upload what has changed, the steps before the files at the top."""
        for part in sorted(self._parts, reverse=True):
            self._push(part)
        if "" in self._parts:  # else those of the store may be newer
            self._live.push()

    def _push(self, folder: str) -> None:
        """Upload the files of a folder that have changed; delete those that are gone."""
        local = self._local(folder)
        for name in sorted(local, key=names.marker_last):
            if not names.is_live(name) and self.has_changed(name):
                self.put(name)
        if names.part(folder) in self._parts:  # else they may just not have been fetched
            self._delete(set(self._in_store(folder)) - set(local))

    def _delete(self, doomed: Iterable[str]) -> None:
        assert self._lease is not None
        listed = sorted(doomed)
        if listed:
            self._lease.check()
            self.store.delete(listed)
        with self._lock:
            for name in listed:
                self._index.drop(name)
                (self._stored or {}).pop(name, None)

    def _name(self, path: Path) -> str:
        return "" if path == self.root else path.relative_to(self.root).as_posix()

    def _in_store(self, folder: str) -> list[str]:
        """What the store has in a folder, or for "" at the top outside the steps."""
        return [n for n in self._stored or () if names.is_in(folder, n) and self._is_wanted(n)]

    def _local(self, folder: str) -> list[str]:
        """What this machine has there."""
        return [n for n in names.local(self.root, folder) if self._is_wanted(n)]

    def _is_wanted(self, name: str) -> bool:
        """Readers need neither databases nor checkpoints, which are large and soon deleted."""
        return self._lease is not None or not (
            name.endswith(DATABASE) or f"/{CHECKPOINTS}/" in name
        )

    @contextmanager
    def _undisturbed(self) -> Iterator[bool]:
        """Whether no run of another process works in the directory; none begins meanwhile."""
        from filelock import FileLock, Timeout

        if self._lease is not None:
            yield True
            return
        self.root.mkdir(parents=True, exist_ok=True)
        with self.reading(), suppress(Timeout):
            with FileLock(self.root / ".lock", timeout=0):
                yield True
            return
        yield False


class LiveFiles:
    """The files of a run that change all the time: its log, and its databases."""

    def __init__(self, mirror: RunMirror) -> None:
        self._mirror = mirror
        self._not_before = 0.0
        self._lock = threading.Lock()

    def push_when_due(self) -> None:
        """Upload those that have changed; databases only if the last time was long enough ago."""
        self._push_log()
        if time.monotonic() >= self._not_before:
            self.push()

    def push(self) -> None:
        """Upload those that have changed."""
        self._push_log()
        with self._lock:
            began = time.monotonic()
            for path in sorted(self._mirror.root.glob(f"*{DATABASE}")):
                if self._mirror.has_changed(path.name):
                    with snapshot(path) as copy:
                        self._mirror.put(path.name, copy)
            ended = time.monotonic()
            self._not_before = ended + PAUSE * (ended - began)

    def _push_log(self) -> None:
        with self._lock:
            if (self._mirror.root / LOG).exists() and self._mirror.has_changed(LOG):
                self._mirror.put(LOG)


def _owner(path: Path) -> str:
    """Identifies this working copy; made when it is used first."""
    with suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8")
    owner = uuid.uuid4().hex
    path.write_text(owner, encoding="utf-8")
    return owner
