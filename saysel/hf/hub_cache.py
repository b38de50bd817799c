"""Finds what the cache of the hub already holds, without importing the hub's library."""

from __future__ import annotations

import os
from pathlib import Path


def cached_snapshot(repository: str, revision: str | None = None) -> Path | None:
    """The directory of a repository's snapshot in the hub's cache; `None` if it is not there."""
    home = os.environ.get("HF_HOME", str(Path.home() / ".cache" / "huggingface"))
    cache = Path(os.environ.get("HF_HUB_CACHE", str(Path(home) / "hub")))
    folder = cache / f"models--{repository.replace('/', '--')}"
    reference = folder / "refs" / (revision or "main")
    commit = reference.read_text().strip() if reference.is_file() else revision
    snapshot = folder / "snapshots" / (commit or "main")
    return snapshot if snapshot.is_dir() else None
