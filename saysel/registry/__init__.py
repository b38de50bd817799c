"""Names to component classes and recipes.

Plugins use `build`; the other names are for saysel itself.
"""

from saysel.registry.building import build
from saysel.registry.claims import RECIPE, Claim, suggest
from saysel.registry.entry_points import PluginModule, plugin_modules
from saysel.registry.lookup import (
    Installed,
    Registry,
    claim,
    component_digest,
    current,
    find,
    hooks,
    installed,
    names,
    recipe,
    sayselfile_in_use,
    use_sayselfile,
)
from saysel.registry.source_code import source_digest

__all__ = [
    "RECIPE",
    "Claim",
    "Installed",
    "PluginModule",
    "Registry",
    "build",
    "claim",
    "component_digest",
    "current",
    "find",
    "hooks",
    "installed",
    "names",
    "plugin_modules",
    "recipe",
    "sayselfile_in_use",
    "source_digest",
    "suggest",
    "use_sayselfile",
]
