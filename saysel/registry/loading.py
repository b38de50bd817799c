"""Import what a plugin names; each way to fail has its own message."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saysel import hookspecs
from saysel.contracts.signatures import mismatch
from saysel.errors import PluginError
from saysel.registry.claims import Claim, Origin, one_line

if TYPE_CHECKING:
    from saysel.interfaces import Component


def import_plugin(module: str, origin: Origin) -> Any:
    """Import a module of a plugin.

    Raises:
        PluginError: it does not exist, a package that it needs is not installed, or it fails.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or "?"
        if module == missing or module.startswith(f"{missing}."):
            remedy = origin.remedy if origin.file else f"reinstall it: {_reinstall(origin)}"
            raise PluginError(
                f"{origin.label} names the module '{module}', which it does not contain; {remedy}"
            ) from error
        package = missing.partition(".")[0]
        raise PluginError(
            f"{origin.label} needs the package '{package}', which is not installed: "
            f"pip install {package}"
        ) from error
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{origin.label} cannot be imported ({module}): {one_line(error)}; "
            f"update it, or: pip uninstall {origin.distribution}"
        ) from error


def _reinstall(origin: Origin) -> str:
    return f"pip install --force-reinstall {origin.distribution}"


def interface(kind: str) -> type[Component]:
    """The interface of a kind."""
    module, _, name = hookspecs.INTERFACES[kind].partition(":")
    loaded: type[Component] = getattr(importlib.import_module(module), name)
    return loaded


def load_class(claim: Claim) -> type[Component]:
    """The class that a name stands for.

    Raises:
        PluginError: it cannot be imported, is not a component of its kind, or lacks a method.
    """
    module_name, _, attribute = claim.target.partition(":")
    loaded: Any = import_plugin(module_name, claim.origin)
    owner = f"{claim.origin.label}: its {claim.kind} '{claim.name}'"
    for part in attribute.split("."):
        loaded = getattr(loaded, part, None)
    expected = interface(claim.kind)
    if not (isinstance(loaded, type) and issubclass(loaded, expected)):
        what = "does not exist" if loaded is None else f"is not a subclass of {expected.__name__}"
        raise PluginError(
            f"{owner} is declared as {claim.target}, which {what}; {claim.origin.remedy}"
        )
    if inspect.isabstract(loaded):
        missing = ", ".join(sorted(loaded.__abstractmethods__))
        raise PluginError(f"{owner} ({claim.target}) lacks the method {missing}")
    if problem := mismatch(loaded, expected):
        raise PluginError(f"{owner} ({claim.target}): {problem}; {claim.origin.remedy}")
    return loaded


def find_file(claim: Claim) -> Path:
    """The file that the name of a recipe stands for.

    Raises:
        PluginError: the package cannot be imported, or lacks the file.
    """
    package, _, file = claim.target.partition(":")
    module = import_plugin(package, claim.origin)
    # A folder without __init__.py is a package too, and has no file.
    folder = next(iter(getattr(module, "__path__", ())), Path(str(module.__file__)).parent)
    path = Path(folder, file)
    if not path.is_file():
        raise PluginError(
            f"{claim.origin.label}: its {claim.kind} '{claim.name}' is declared as "
            f"{claim.target}, which does not exist; {claim.origin.remedy}"
        )
    return path
