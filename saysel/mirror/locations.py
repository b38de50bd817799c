"""From the address of a run to its working copy on this machine.

    s3://bucket/run     ~/.cache/saysel/runs/s3/bucket/run
    /drive/run          ~/.cache/saysel/runs/file/drive/run, if the drive has no locks
    runs/mine           itself

The environment variable SAYSEL_CACHE names another place than ~/.cache/saysel.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from os import PathLike, fspath
from pathlib import Path

from saysel.errors import UsageError
from saysel.mirror.bucket import Bucket
from saysel.mirror.folder import Folder
from saysel.mirror.run_mirror import RunMirror
from saysel.mirror.store import Store
from saysel.storage.mirrors import attach, bring_again, mirror_of
from saysel.storage.sqlite import can_lock

Location = str | PathLike[str]
#: `s3://bucket/run`; as a path it has lost a slash. A single letter is a drive of Windows.
ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)


def is_address(location: Location) -> bool:
    """Whether a location is one of shared storage, such as `s3://bucket/run`."""
    return ADDRESS.fullmatch(fspath(location)) is not None


def working_copy(location: Location, to_read: bool = False) -> Path:
    """The directory of this machine in which a run directory is read and written.

    What it lacks is fetched when it is read, and what `saysel.runs.lock.locked` protects is
    uploaded when it is written.

    Args:
        location: of the run directory: an address or a path.
        to_read: whether there must be a run.

    Raises:
        UsageError: the address cannot be used, or there is no run.
        StageError: the store cannot be reached.
    """
    root = _attached(location)
    if to_read and not _has_recipe(root):
        raise UsageError(f"{_spelled(location)}: not a run directory, it has no recipe.yaml")
    return root


def is_run(location: Location) -> bool:
    """Whether there is a run directory.

    Raises:
        UsageError: the address cannot be used.
        StageError: the store cannot be reached.
    """
    return _has_recipe(_attached(location))


def _has_recipe(root: Path) -> bool:
    bring_again(root)
    return (root / "recipe.yaml").is_file()


def _attached(location: Location) -> Path:
    """The directory of this machine; what happens there is announced to its mirror."""
    store, name = _store(location)
    if store is None:
        return Path(location)
    root = cache() / "runs" / name
    mirror = mirror_of(root)
    if mirror is None or mirror.root != root:
        mirror = RunMirror(store, root)
        attach(mirror)
    return root


def fetched_file(location: Location) -> Path:
    """A file, which is fetched if it is on shared storage.

    Raises:
        UsageError: there is none.
        StageError: the store cannot be reached.
    """
    if not is_address(location):
        return Path(location)
    folder, _, name = _spelled(location).rpartition("/")
    store = Bucket(folder)
    path = cache() / "files" / sha256(folder.encode()).hexdigest()[:12] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    store.get(name, path)
    return path


def cache() -> Path:
    """Where working copies are."""
    home = os.environ.get("SAYSEL_CACHE")
    place = Path(home).expanduser() if home else Path.home() / ".cache" / "saysel"
    return place.absolute()


def _store(location: Location) -> tuple[Store | None, str]:
    """Where a run directory is kept, and a name for it; no store: it is a directory as it is."""
    address = ADDRESS.fullmatch(fspath(location))
    if address is not None and address[1].lower() != "file":
        path = address[2].strip("/")
        if ".." in path.split("/"):
            raise UsageError(f"{_spelled(location)}: write the address without '..'")
        return Bucket(_spelled(location)), f"{address[1].lower()}/{path}"
    directory = Path(f"/{address[2]}" if address else location)
    if address is None and _has_locks(directory):
        return None, ""
    absolute = directory.absolute()
    return Folder(absolute), f"file{absolute.as_posix()}"


def _spelled(location: Location) -> str:
    """The address with both slashes."""
    return ADDRESS.sub(r"\1://\2", fspath(location)).rstrip("/")


def _has_locks(directory: Path) -> bool:
    """Whether files in a directory can be locked; it need not exist yet."""
    existing = next(each for each in (directory, *directory.absolute().parents) if each.exists())
    return not existing.is_dir() or can_lock(existing)
