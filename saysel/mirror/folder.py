"""A directory of a file system without locks, such as some network drives."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from saysel.errors import StageError, UsageError
from saysel.mirror.store import Store
from saysel.storage import disk_error
from saysel.storage.atomic import flush

#: Begins the names of files that are not whole yet.
PARTIAL = ".partial-"


class Folder(Store):
    """A directory whose files are written under another name and renamed."""

    def __init__(self, directory: Path) -> None:
        self.address = str(directory)
        self._root = directory

    def below(self, folder: str) -> Folder:
        return Folder(self._root / folder)

    def list(self, folder: str = "") -> dict[str, str]:
        stamps = {}
        try:
            for place, _, names in os.walk(self._root / folder, onerror=_unless_missing):
                for path in (Path(place, name) for name in names if not name.startswith(PARTIAL)):
                    with suppress(FileNotFoundError):  # deleted since
                        found = path.stat()
                        name = path.relative_to(self._root).as_posix()
                        stamps[name] = f"{found.st_size} {found.st_mtime_ns}"
        except OSError as error:  # what is not listed would count as deleted
            raise StageError(
                f"{error.filename}: cannot be read ({error.strerror}): run again later"
            ) from error
        return stamps

    def get(self, name: str, path: Path) -> None:
        try:
            shutil.copyfile(self._root / name, path)
        except FileNotFoundError:
            raise UsageError(f"{self._root / name}: there is no such file") from None
        except OSError as error:
            raise disk_error(error, path) from error

    def put(self, path: Path, name: str) -> str:
        def copy(file: IO[bytes]) -> None:
            with path.open("rb") as source:
                shutil.copyfileobj(source, file, 1 << 20)

        self._written(name, copy, os.replace)
        found = (self._root / name).stat()
        return f"{found.st_size} {found.st_mtime_ns}"

    def read(self, name: str) -> bytes | None:
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise disk_error(error, self._root / name) from error

    def write(self, name: str, content: bytes) -> None:
        self._written(name, lambda file: file.write(content), os.replace)

    def create(self, name: str, content: bytes) -> bool:
        # The link appears with the whole content, and never replaces another one.
        return self._written(name, lambda file: file.write(content), os.link)

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            (self._root / name).unlink(missing_ok=True)
            with suppress(OSError):  # not empty
                (self._root / name).parent.rmdir()

    def _written(
        self, name: str, write: Callable[[IO[bytes]], Any], appear: Callable[[Path, Path], Any]
    ) -> bool:
        """Write a file under another name, then let it appear; false if it must not."""
        path = self._root / name
        partial = path.with_name(f"{PARTIAL}{uuid4().hex}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("xb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            appear(partial, path)
            flush(path.parent)
        except FileExistsError:
            return False
        except OSError as error:
            raise disk_error(error, path) from error
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        return True


def _unless_missing(error: OSError) -> None:
    """Raise what `os.walk` met; a folder may not exist yet, or may have been deleted since."""
    if not isinstance(error, FileNotFoundError):
        raise error
