"""Which directories are finished, and whether their files are still what was written.

A marker is a JSON file that is written last. It lists every other file of its directory with size
and checksum, and the rows of Parquet files. The marker of a stage is `done.json`. The same form, a
JSON object with a schema number and a checksum of its own, holds all other JSON of a run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from saysel.errors import DamagedFile
from saysel.storage.atomic import RESTORE, checksum, flush, read_json, write_json

DONE = "done.json"
#: Of every JSON record in a run directory; raise it when they change in form.
SCHEMA = 1
#: Deleted once its stage is finished, and until then no part of it.
CHECKPOINTS = "checkpoints"

#: Directories whose checksums this process has compared or made.
_VERIFIED: set[tuple[Path, str]] = set()


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object with the keys `schema` and `checksum` beside those of the content."""
    record = {"schema": SCHEMA, **content}
    write_json(path, {**record, "checksum": record_checksum(record)})


def read_record(path: Path, remedy: str = RESTORE) -> dict[str, Any]:
    """What `write_record` wrote, without `schema` and `checksum`.

    Args:
        path: the file.
        remedy: what to do if it is missing or damaged.

    Raises:
        DamagedFile: it is missing, damaged, or written by a version of saysel with another schema.
    """
    record = read_json(path, remedy)
    if not isinstance(record, dict):
        raise DamagedFile(path, "the file is damaged (not a JSON object)", remedy)
    stated = record.pop("checksum", None)
    if record.get("schema") != SCHEMA or stated is None:
        raise DamagedFile(path, "written by another version of saysel", remedy)
    if stated != record_checksum(record):
        raise DamagedFile(path, "the file is damaged (its checksum differs)", remedy)
    del record["schema"]
    return record


def intact_record(path: Path) -> dict[str, Any] | None:
    """The same; `None` if it is missing or damaged, for what can be made again."""
    try:
        return read_record(path)
    except DamagedFile:
        return None


def record_checksum(record: Mapping[str, Any]) -> str:
    """XXH3 of the content, however it is laid out in its file."""
    import xxhash

    plain = json.loads(json.dumps(record))
    return xxhash.xxh3_128_hexdigest(json.dumps(plain, sort_keys=True).encode())


def finish(directory: Path, record: Mapping[str, Any], marker: str = DONE) -> None:
    """Mark a directory as finished, once all of its files are on the disk."""
    files = {}
    for path in _files(directory, marker):
        flush(path)
        facts: dict[str, Any] = {"size": path.stat().st_size, "checksum": checksum(path)}
        if path.suffix == ".parquet":
            facts["rows"] = _rows(path)
        files[path.relative_to(directory).as_posix()] = facts
    for folder, _, _ in os.walk(directory):
        flush(Path(folder))
    write_record(directory / marker, {**record, "files": files})
    _VERIFIED.add((directory.resolve(), marker))


def finished(directory: Path, marker: str = DONE) -> dict[str, Any] | None:
    """What `finish` recorded; `None` if the directory is not finished.

    Raises:
        DamagedFile: the marker is damaged, or the files are not those that it lists, in name or
            size.
    """
    path = directory / marker
    if not os.path.lexists(path):
        return None
    record = read_record(path, f"delete it, and the same command finishes {directory.name} again")
    _compare(directory, record.pop("files", {}), marker, sizes_only=True)
    return record


def verify(directory: Path, marker: str = DONE) -> None:
    """See that a finished directory is what was written; each is read once per process.

    Raises:
        DamagedFile: a file is missing, does not belong there, or has another content; or the
            directory is not finished.
    """
    key = (directory.resolve(), marker)
    if key in _VERIFIED:
        finished(directory, marker)  # its files may have gone since
        return
    record = read_record(directory / marker, _remedy(directory))
    _compare(directory, record.get("files", {}), marker, sizes_only=False)
    _VERIFIED.add(key)


def whole(directory: Path, marker: str) -> bool:
    """Whether a directory is finished and its files are what was written."""
    try:
        verify(directory, marker)
    except DamagedFile:
        return False
    return True


def _compare(
    directory: Path, files: Mapping[str, Mapping[str, Any]], marker: str, sizes_only: bool
) -> None:
    remedy = _remedy(directory)
    there = {path.relative_to(directory).as_posix(): path for path in _files(directory, marker)}
    for name, facts in files.items():
        if name not in there:
            raise DamagedFile(directory / name, "the file is missing", remedy)
        size = there[name].stat().st_size
        if size != facts["size"]:
            what = f"the file is damaged ({size:,} bytes instead of {facts['size']:,})"
            raise DamagedFile(directory / name, what, remedy)
        if not sizes_only and checksum(there[name]) != facts["checksum"]:
            what = "the file is damaged (its checksum differs)"
            raise DamagedFile(directory / name, what, remedy)
    for name in there.keys() - files.keys():
        what = "the file does not belong there"
        raise DamagedFile(directory / name, what, "move it elsewhere")


def _remedy(directory: Path) -> str:
    return f"restore it, or delete {directory} and run the recipe again"


def _files(directory: Path, marker: str) -> Iterator[Path]:
    """What a marker lists: no hidden files or checkpoints, nor the marker itself."""
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not (Path(folder) == directory and name == CHECKPOINTS)
        )
        for name in sorted(names):
            path = Path(folder) / name
            if not name.startswith(".") and path != directory / marker:
                yield path


def _rows(path: Path) -> int:
    import pyarrow.parquet as pq

    rows: int = pq.read_metadata(path).num_rows
    return rows
