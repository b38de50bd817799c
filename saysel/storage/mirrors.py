"""Directories that are copies of something elsewhere, and who keeps them in step.

Whatever is read or written here is announced to the mirror of the directory that it is in, if it
has one; `saysel.mirror` has mirrors of run directories on shared storage.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path


class Mirror(ABC):
    """Keeps a directory of this machine in step with its original.

    Attributes:
        root: the directory, as an absolute path.
        address: where the original is: `s3://bucket/run`.
    """

    root: Path
    address: str

    @abstractmethod
    def bring(self, path: Path) -> None:
        """Bring what the original has of a step or another part of the directory.

        Args:
            path: a directory or file that is about to be read, which need not exist.
        """

    @abstractmethod
    def forget(self) -> None:
        """Look at the original again when something is read next, unless this process writes it."""

    @abstractmethod
    def wrote(self, path: Path) -> None:
        """Copy a file, or all files of a directory, to the original."""

    @abstractmethod
    def completes(self, directory: Path) -> None:
        """Copy the files of a directory before its marker is written; what is gone is deleted."""

    @abstractmethod
    def removed(self, directory: Path) -> None:
        """Delete a directory from the original."""

    @abstractmethod
    def refresh(self, name: str) -> None:
        """Bring the present version of a file at the top of the directory, if there is one."""

    @abstractmethod
    def runs_below(self, folder: Path) -> list[Path]:
        """The run directories that the original has in a folder."""

    @abstractmethod
    def is_held_elsewhere(self) -> bool:
        """Whether a process that has another copy holds the original; see `writing`."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[object]:
        """Keep other processes of this machine from fetching files inside this block."""

    @abstractmethod
    def writing(self) -> AbstractContextManager[object]:
        """Hold the original for this process, which may write inside this block only.

        Raises:
            RunBusy: another process holds it.
        """


_MIRRORS: dict[Path, Mirror] = {}


def attach(mirror: Mirror) -> None:
    """Announce to a mirror what happens in its directory, as long as this process lives."""
    _MIRRORS[mirror.root] = mirror


def mirror_of(path: Path) -> Mirror | None:
    """The mirror of the innermost directory that a path is in."""
    if not _MIRRORS:
        return None
    return next((_MIRRORS[each] for each in (path, *path.parents) if each in _MIRRORS), None)


def bring(path: Path) -> None:
    """See `Mirror.bring`."""
    if (mirror := mirror_of(path)) is not None:
        mirror.bring(path)


def bring_again(path: Path) -> None:
    """Bring what the original has now, even if this process has looked at it before."""
    if (mirror := mirror_of(path)) is not None:
        mirror.forget()
        mirror.bring(path)


def wrote(path: Path) -> None:
    """See `Mirror.wrote`."""
    if (mirror := mirror_of(path)) is not None:
        mirror.wrote(path)


def completes(directory: Path) -> None:
    """See `Mirror.completes`."""
    if (mirror := mirror_of(directory)) is not None:
        mirror.completes(directory)


def removed(directory: Path) -> None:
    """See `Mirror.removed`."""
    if (mirror := mirror_of(directory)) is not None:
        mirror.removed(directory)


def runs_below(folder: Path) -> list[Path]:
    """See `Mirror.runs_below`; none without a mirror."""
    mirror = mirror_of(folder)
    return [] if mirror is None else mirror.runs_below(folder)
