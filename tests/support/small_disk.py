"""A file system that is quickly full."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mount_tmpfs(place: Path, size: str) -> Iterator[Path]:
    """Mount a tmpfs of the given size at `place`; skip the test where mounting is not allowed."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a tmpfs cannot be mounted here: {error}")
    try:
        yield place
    finally:
        # Lazily: models that were loaded from it may still be in memory.
        subprocess.run(["umount", "-l", str(place)], check=True)
