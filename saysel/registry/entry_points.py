"""The plugins that installed distributions announce through entry points."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

GROUP = "saysel"


class PluginModule(NamedTuple):
    """A hook module that an installed distribution names in its entry points."""

    module: str
    distribution: str
    version: str


def plugin_modules() -> list[PluginModule]:
    """The hook modules of installed distributions, in the order of loading, not yet imported."""
    return [
        PluginModule(point.value, *_distribution(point))
        for point in sorted(entry_points(group=GROUP))
    ]


def _distribution(point: EntryPoint) -> tuple[str, str]:
    if point.dist is None:  # only for entry points made by hand
        return point.name, "unknown"
    return point.dist.name, point.dist.version
