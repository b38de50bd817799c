"""Pickles that other machines can read: classes of a sayselfile take its text with them."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from saysel.errors import StageError
from saysel.registry import sayselfile


def pack(value: Any, dumps: Callable[[Any], bytes] = pickle.dumps) -> bytes:
    """Pickle a value for a worker.

    Args:
        dumps: another pickler, such as that of cloudpickle, which takes more.

    Raises:
        StageError: it cannot be pickled.
    """
    module = sys.modules.get(sayselfile.MODULE)
    source = Path(str(module.__file__)).read_bytes() if module is not None else None
    try:
        return pickle.dumps((source, dumps(value)))
    except Exception as error:  # whatever `__reduce__` of a component raises
        reason = " ".join(str(error).split())
        raise StageError(
            f"the work cannot be sent to another process ({reason}): use the engine local, or make "
            "the component's attributes picklable (functions at the top level of a module are)"
        ) from error


def unpack(packed: bytes) -> Any:
    """In a worker: what was packed."""
    source, content = pickle.loads(packed)
    if source is not None:
        _load_sayselfile(source)
    return pickle.loads(content)


def _load_sayselfile(source: bytes) -> None:
    module = sys.modules.get(sayselfile.MODULE)
    if module is not None and Path(str(module.__file__)).read_bytes() == source:
        return
    path = Path(_folder().name) / sayselfile.NAME
    path.write_bytes(source)
    sayselfile.load(path)


@cache
def _folder() -> TemporaryDirectory[str]:
    """Where this process keeps a sayselfile; removed at its end."""
    return TemporaryDirectory(prefix="saysel-")
