"""The libraries that run and train models on this machine are an extra of saysel."""

from __future__ import annotations

from saysel.errors import require
from saysel.interfaces import Component

#: The modules of the extra `train`.
MODULES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


def check_installed(component: Component) -> None:
    """Check that the extra `train` is installed, without importing any of it.

    Raises:
        MissingExtra: a package of it is missing.
    """
    name = component.use or type(component).__name__
    require(f"the {component.kind} '{name}'", "train", *MODULES)
