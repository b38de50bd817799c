"""Rows of data sets on the hub, through the datasets library."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from saysel.errors import DataError


def rows(
    repository: str, *, split: str, subset: str | None, revision: str | None, stream: bool
) -> Iterator[Mapping[str, Any]]:
    """The rows of one split, in the data set's order.

    Args:
        repository: hub id, or a directory of data files.
        split: the data set's own name for it, or a slice such as `train[:1000]`.
        subset: the data set's configuration, if it has several.
        revision: commit; for hub ids only.
        stream: read row by row instead of downloading the split first; slices are not supported.

    Raises:
        DataError: there is no such data set, subset or split, or the hub cannot be reached.
    """
    import datasets

    datasets.disable_progress_bars()
    # Before version 4, the library asks on the terminal whether to run a data set's own code.
    datasets.config.HF_DATASETS_TRUST_REMOTE_CODE = False
    try:
        yield from datasets.load_dataset(
            repository, subset, split=split, revision=revision, streaming=stream
        )
    # The library raises errors of many unrelated types here, some from its network libraries.
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        at = f" at {revision[:12]}" if revision else ""
        raise DataError(
            f"{repository}{at}, split '{split}': cannot be read: {reason}; check the name and "
            "the connection to the hub, or read a local file"
        ) from error


def digest(repository: str) -> str:
    """Hash of a directory's content; empty for hub ids, whose commit identifies the content."""
    folder = Path(repository)
    if not folder.is_dir():
        return ""
    content = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content.update(str(path.relative_to(folder)).encode())
        content.update(hashlib.sha256(path.read_bytes()).digest())
    return content.hexdigest()
