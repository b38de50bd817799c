"""Markers of finished directories, and verification of their files.

A marker is a JSON file that is written last. It lists every other file of its directory with size
and checksum, and the number of rows of Parquet files. The marker of a stage is `done.json`. All
JSON files of a run have the same form: an object with a schema number and its own checksum.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from saysel.errors import DamagedFile
from saysel.storage import mirrors
from saysel.storage.atomic import RESTORE, checksum, flush, read_json, write_json

DONE = "done.json"
#: Schema number of all JSON records of a run; raise it when their form changes.
SCHEMA = 1
#: Deleted when its stage is finished; never part of it.
CHECKPOINTS = "checkpoints"

#: Directories whose checksums this process has compared or written.
_VERIFIED: set[tuple[Path, str]] = set()


def write_record(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON object, with the keys `schema` and `checksum` added."""
    record = {"schema": SCHEMA, **content}
    write_json(path, {**record, "checksum": record_checksum(record)})


def read_record(path: Path, remedy: str = RESTORE) -> dict[str, Any]:
    """Read what `write_record` wrote, without `schema` and `checksum`.

    Args:
        path: the file.
        remedy: what to do if it is missing or damaged.

    Raises:
        DamagedFile: it is missing, damaged, or written by a version of saysel with another schema.
    """
    mirrors.bring(path)
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
    """Read a record that can be recreated; `None` if it is missing or damaged."""
    try:
        return read_record(path)
    except DamagedFile:
        return None


def record_checksum(record: Mapping[str, Any]) -> str:
    """XXH3 of the content, independent of its layout in the file."""
    import xxhash

    plain = json.loads(json.dumps(record))
    return xxhash.xxh3_128_hexdigest(json.dumps(plain, sort_keys=True).encode())


def finish(directory: Path, record: Mapping[str, Any], marker: str = DONE) -> None:
    """Flush all files of a directory to disk, then mark it as finished."""
    files = {}
    for path in _files(directory, marker):
        flush(path)
        facts: dict[str, Any] = {"size": path.stat().st_size, "checksum": checksum(path)}
        if path.suffix == ".parquet":
            facts["rows"] = _rows(path)
        files[path.relative_to(directory).as_posix()] = facts
    for folder, _, _ in os.walk(directory):
        flush(Path(folder))
    mirrors.completes(directory)
    write_record(directory / marker, {**record, "files": files})
    _VERIFIED.add((directory.resolve(), marker))


def finished(directory: Path, marker: str = DONE) -> dict[str, Any] | None:
    """What `finish` recorded; `None` if the directory is not finished.

    Raises:
        DamagedFile: the marker is damaged, or the files differ from its list in name or size.
    """
    mirrors.bring(directory)
    path = directory / marker
    if not os.path.lexists(path):
        return None
    record = read_record(path, f"delete it, and the same command finishes {directory.name} again")
    _compare(directory, record.pop("files", {}), marker, sizes_only=True)
    return record


def verify(directory: Path, marker: str = DONE) -> None:
    """Check the files of a finished directory against its marker, once per process.

    Raises:
        DamagedFile: a file is missing, unexpected or damaged, or the directory is not finished.
    """
    key = (directory.resolve(), marker)
    if key in _VERIFIED:
        finished(directory, marker)  # files may have been deleted since
        return
    record = read_record(directory / marker, _remedy(directory))
    _compare(directory, record.get("files", {}), marker, sizes_only=False)
    _VERIFIED.add(key)


def whole(directory: Path, marker: str) -> bool:
    """Whether a directory is finished and undamaged."""
    try:
        verify(directory, marker)
    except DamagedFile:
        return False
    return True


def _compare(
    directory: Path, files: Mapping[str, Mapping[str, Any]], marker: str, sizes_only: bool
) -> None:
    remedy = _remedy(directory)
    present = {path.relative_to(directory).as_posix(): path for path in _files(directory, marker)}
    for name, facts in files.items():
        if name not in present:
            raise DamagedFile(directory / name, "the file is missing", remedy)
        size = present[name].stat().st_size
        if size != facts["size"]:
            what = f"the file is damaged ({size:,} bytes instead of {facts['size']:,})"
            raise DamagedFile(directory / name, what, remedy)
        if not sizes_only and checksum(present[name]) != facts["checksum"]:
            what = "the file is damaged (its checksum differs)"
            raise DamagedFile(directory / name, what, remedy)
    for name in present.keys() - files.keys():
        what = "the file does not belong there"
        raise DamagedFile(directory / name, what, "move it elsewhere")


def _remedy(directory: Path) -> str:
    return f"restore it, or delete {directory} and run the recipe again"


def _files(directory: Path, marker: str) -> Iterator[Path]:
    """The files that a marker lists: all but itself, hidden files and checkpoints."""
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
