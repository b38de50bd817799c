"""A hash of the source that defines a component, where no version number stands for it."""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from saysel.registry import sayselfile


def source_digest(component: type, distribution_name: str = "") -> str:
    """Hash of the source of a component, for fingerprints; empty for released packages.

    Released packages raise `Component.version` when results change. Code under development does
    not, so its source stands for the version: that of a `sayselfile.py`, and that of all modules of
    the component's top-level package, if it is not in a folder of installed packages (editable
    installs, `PYTHONPATH`) or was installed from a folder. A module outside of packages counts
    alone.

    Args:
        component: the class. Those of saysel itself have an empty digest.
        distribution_name: the distribution that provides it, if known.
    """
    if component.__module__ == sayselfile.MODULE:
        return sayselfile.digest_of(component)
    module = sys.modules.get(component.__module__)
    file = getattr(module, "__file__", None)
    if file is None or component.__module__.partition(".")[0] == "saysel":
        return ""
    path = Path(file)
    if _is_installed(path) and not _is_from_folder(distribution_name):
        return ""
    package = getattr(module, "__package__", None)
    return _digest(path.parents[package.count(".")] if package else path)


def _is_installed(path: Path) -> bool:
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return any(path.is_relative_to(folder) for folder in folders)


@cache
def _is_from_folder(name: str) -> bool:
    """Whether pip installed a distribution from a folder, as in `pip install ./my-plugin`."""
    try:
        text = distribution(name).read_text("direct_url.json") if name else None
    except PackageNotFoundError:
        return False
    return text is not None and "dir_info" in json.loads(text)


@cache
def _digest(path: Path) -> str:
    """Hash of a file, or of all Python files below a folder, with their names."""
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    content = hashlib.sha256()
    for file in files:
        content.update(f"{file.relative_to(path.parent).as_posix()}\n".encode())
        content.update(hashlib.sha256(file.read_bytes()).digest())
    return content.hexdigest()
