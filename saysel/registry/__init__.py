"""Names to component classes and recipes."""

from saysel.registry.lookup import (
    RECIPE,
    Announced,
    Installed,
    Registry,
    announced,
    build,
    claim,
    current,
    find,
    hooks,
    installed,
    names,
    recipe,
    suggest,
)

__all__ = [
    "RECIPE",
    "Announced",
    "Installed",
    "Registry",
    "announced",
    "build",
    "claim",
    "current",
    "find",
    "hooks",
    "installed",
    "names",
    "recipe",
    "suggest",
]
