"""Files that appear whole or not at all, and that show whether they were damaged since.

A file is written under a temporary name in the same directory, flushed to the disk, and renamed;
then the directory is flushed, so that the name survives a power failure too. `write_checked`
also puts the file's checksum in the hidden file `.NAME.sum`, for files that are read again before
the stage that wrote them is finished.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from saysel.errors import DamagedFile, StageError

Write = Callable[[IO[bytes]], object]
#: Ending of the name of the file that holds another file's checksum.
SUM = ".sum"
#: What to do about a damaged file that nothing else is known of.
RESTORE = "restore it, or delete it and run the recipe again"


def write_atomically(path: Path, write: Write) -> None:
    """Let `write` fill a file that then takes the place of `path` in one step.

    Raises:
        StageError: the disk is full or cannot be written; nothing is left behind.
    """
    _write(path, write, lambda temporary: None)


def write_checked(path: Path, write: Write) -> None:
    """The same, with the checksum that `intact` compares the file with.

    The checksum is written first: a crash in between leaves a file that is not intact, never a
    damaged one that passes for whole.

    Raises:
        StageError: see `write_atomically`.
    """

    def seal(temporary: Path) -> None:
        write_text(_sum(path), _summed(temporary, path.name))

    _write(path, write, seal)


def intact(path: Path) -> bool:
    """Whether a file is what `write_checked` wrote there."""
    with suppress(OSError, UnicodeDecodeError):
        return _sum(path).read_text(encoding="utf-8") == _summed(path, path.name)
    return False


def discard(path: Path) -> None:
    """Delete a file that `write_checked` wrote, whatever is left of it."""
    path.unlink(missing_ok=True)
    _sum(path).unlink(missing_ok=True)


def checksum(path: Path) -> str:
    """XXH3 of a file's content in 32 hex digits: fast, and for accidents, not for attackers."""
    import xxhash

    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def flush(path: Path) -> None:
    """Wait until the disk has a file, or the names in a directory."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        if path.is_dir():
            return  # Windows opens no directories
        raise
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems cannot flush a directory.
        if not (path.is_dir() and error.errno in (errno.EINVAL, errno.ENOTSUP, errno.EBADF)):
            raise
    finally:
        os.close(handle)


def disk_error(error: OSError, path: Path) -> StageError:
    """The line that tells what is wrong with the disk."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StageError(
            f"{path}: the disk is full; what was finished is kept: free some space and run again"
        )
    return StageError(f"{path}: cannot be written ({error.strerror or error}); run again then")


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8."""
    write_atomically(path, lambda file: file.write(text.encode()))


def write_json(path: Path, value: object) -> None:
    """Write indented JSON; NaN is refused."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, remedy: str = RESTORE) -> Any:
    """The content of a JSON file.

    Args:
        path: the file.
        remedy: what to do if it is missing or damaged.

    Raises:
        DamagedFile: it is missing, cannot be read, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DamagedFile(path, "the file is missing", remedy) from None
    except OSError as error:
        what = f"the file cannot be read ({error.strerror or error})"
        raise DamagedFile(path, what, remedy) from error
    except (ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise DamagedFile(path, f"the file is damaged (not JSON: {reason})", remedy) from error


def _write(path: Path, write: Write, before: Callable[[Path], None]) -> None:
    # What a killed process left behind is replaced by the next write: a run directory has one
    # writer at a time. The file is always a new one ("x"), so a link of this name that somebody
    # planted is not followed.
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        before(temporary)
        temporary.replace(path)
        flush(path.parent)
    except BaseException as error:
        with suppress(OSError):  # the first error is the one to report
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise disk_error(error, path) from error
        raise


def _sum(path: Path) -> Path:
    return path.with_name(f".{path.name}{SUM}")


def _summed(path: Path, name: str) -> str:
    # The name too: a copy of another file together with its checksum is not intact.
    return f"{checksum(path)}  {name}\n"
