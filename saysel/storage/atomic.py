"""Atomic writes, and checksums that reveal damage.

A file is written under a temporary name in the same directory, flushed to disk and renamed; then
the directory is flushed, so that the name survives a power failure. `write_checked` also stores
the file's checksum in the hidden file `.NAME.sum`, for files that are read again before the stage
that wrote them is finished.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from saysel.errors import DamagedFile, StageError
from saysel.storage import mirrors

Write = Callable[[IO[bytes]], object]
#: Suffix of the file that holds another file's checksum.
CHECKSUM_SUFFIX = ".sum"
#: Default advice about a damaged file.
RESTORE = "restore it, or delete it and run the recipe again"


def write_atomically(path: Path, write: Write) -> None:
    """Replace `path` in one step by a file that `write` fills.

    Raises:
        StageError: the disk is full or cannot be written to; no partial file remains.
    """
    _write(path, write, before_rename=lambda temporary: None)


def write_checked(path: Path, write: Write) -> None:
    """Write atomically, and store the checksum that `intact` compares the file with.

    The checksum is written first: after a crash in between the old file counts as damaged, and a
    damaged file never counts as intact.

    Raises:
        StageError: see `write_atomically`.
    """

    def seal(temporary: Path) -> None:
        write_text(_checksum_file(path), _checksum_line(temporary, path.name))

    _write(path, write, before_rename=seal)


def intact(path: Path) -> bool:
    """Whether a file has the content that `write_checked` wrote."""
    with suppress(OSError, UnicodeDecodeError):
        return _checksum_file(path).read_text(encoding="utf-8") == _checksum_line(path, path.name)
    return False


def discard(path: Path) -> None:
    """Delete a file and its checksum, if they exist."""
    path.unlink(missing_ok=True)
    _checksum_file(path).unlink(missing_ok=True)


def remove_tree(directory: Path) -> None:
    """Delete a directory with everything in it, if it exists."""
    shutil.rmtree(directory, ignore_errors=True)
    mirrors.removed(directory)


def checksum(path: Path) -> str:
    """XXH3 of a file's content in 32 hex digits; detects accidents, not attacks."""
    import xxhash

    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def flush(path: Path) -> None:
    """Flush a file, or the names in a directory, to disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        if path.is_dir():
            return  # Windows cannot open directories
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
    """One line about an error of the disk."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StageError(
            f"{path}: the disk is full; what was finished is kept: free some space and run again"
        )
    return StageError(
        f"{path}: cannot be written ({error.strerror or error}): fix that and run again"
    )


def encodable(text: str) -> str:
    """The text with question marks for half surrogate pairs, which a model can emit."""
    return text.encode(errors="replace").decode()


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8."""
    write_atomically(path, lambda file: file.write(text.encode()))


def write_json(path: Path, value: object) -> None:
    """Write indented JSON; NaN raises `ValueError`."""
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


def _write(path: Path, write: Write, before_rename: Callable[[Path], None]) -> None:
    # The temporary file of a killed process is replaced: a run directory has one writer at a time.
    # The file is always created ("x"), so a planted link of this name is not followed.
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        before_rename(temporary)
        temporary.replace(path)
        flush(path.parent)
    except BaseException as error:
        with suppress(OSError):  # report the first error
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise disk_error(error, path) from error
        raise
    mirrors.wrote(path)


def _checksum_file(path: Path) -> Path:
    return path.with_name(f".{path.name}{CHECKSUM_SUFFIX}")


def _checksum_line(path: Path, name: str) -> str:
    # Includes the name: another file copied here with its checksum is not intact.
    return f"{checksum(path)}  {name}\n"
