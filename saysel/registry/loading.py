"""Claims of plugins, and the imports that they lead to: each way to fail has its own message."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from saysel.errors import PluginError
from saysel.interfaces import KINDS, Component


class Claim(NamedTuple):
    """A distribution says: this name is that class, or that file.

    Attributes:
        kind: one of `KINDS`, or `recipe`.
        name: what recipes write.
        target: `package.module:Class`, or `package:folder/file.yaml`.
        distribution, version: of the package that says so.
    """

    kind: str
    name: str
    target: str
    distribution: str
    version: str

    @property
    def owner(self) -> str:
        return f"{self.distribution} {self.version}"


def brief(error: BaseException) -> str:
    """Type and message of an exception on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def names_classes(answer: object) -> bool:
    """Whether an answer of a hook is a mapping of names to `module:Class`."""
    return isinstance(answer, Mapping) and all(
        isinstance(name, str)
        and name
        and isinstance(target, str)
        and target.count(":") == 1
        and all(part.isidentifier() for part in target.replace(":", ".").split("."))
        for name, target in answer.items()
    )


def names_files(answer: object) -> bool:
    """Whether an answer of a hook is a mapping of names to `package:folder/file.yaml`."""
    return isinstance(answer, Mapping) and all(
        isinstance(name, str)
        and name
        and isinstance(target, str)
        and target.count(":") == 1
        and target.endswith((".yaml", ".yml"))
        and all(part.isidentifier() for part in target.partition(":")[0].split("."))
        for name, target in answer.items()
    )


def maps_names(answer: object) -> bool:
    """Whether an answer of the hook `saysel_renamed` maps old names of known kinds to new ones."""
    return isinstance(answer, Mapping) and all(
        kind in KINDS
        and isinstance(names, Mapping)
        and all(isinstance(name, str) and name for pair in names.items() for name in pair)
        for kind, names in answer.items()
    )


def import_plugin(module: str, distribution: str, version: str) -> Any:
    """Import a module of a plugin.

    Raises:
        PluginError: it is not there, a package that it needs is not there, or it fails.
    """
    owner = f"plugin {distribution} {version}"
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or "?"
        if module == missing or module.startswith(f"{missing}."):
            raise PluginError(
                f"{owner} names the module '{module}', which it does not contain; "
                f"reinstall it: pip install --force-reinstall {distribution}"
            ) from error
        package = missing.partition(".")[0]
        raise PluginError(
            f"{owner} needs the package '{package}', which is not installed: pip install {package}"
        ) from error
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{owner} cannot be imported ({module}): {brief(error)}; "
            f"update it, or: pip uninstall {distribution}"
        ) from error


def load_class(claim: Claim) -> type[Component]:
    """The class that a claim names.

    Raises:
        PluginError: it cannot be imported, or is no complete component of its kind.
    """
    module_name, _, attribute = claim.target.partition(":")
    found: Any = import_plugin(module_name, claim.distribution, claim.version)
    owner = f"plugin {claim.owner}: its {claim.kind} '{claim.name}'"
    for part in attribute.split("."):
        found = getattr(found, part, None)
    interface = KINDS[claim.kind]
    if not (isinstance(found, type) and issubclass(found, interface)):
        what = "does not exist" if found is None else f"is not a subclass of {interface.__name__}"
        raise PluginError(
            f"{owner} is said to be {claim.target}, which {what}; "
            f"report it to its author, or: pip uninstall {claim.distribution}"
        )
    if inspect.isabstract(found):
        lacking = ", ".join(sorted(found.__abstractmethods__))
        raise PluginError(f"{owner} ({claim.target}) lacks the method {lacking}")
    return found


def find_file(claim: Claim) -> Path:
    """The file that a claim names.

    Raises:
        PluginError: the package cannot be imported, or lacks the file.
    """
    package, _, place = claim.target.partition(":")
    module = import_plugin(package, claim.distribution, claim.version)
    # A folder without __init__.py is a package too, and has no file.
    path = Path(
        next(iter(getattr(module, "__path__", ())), Path(str(module.__file__)).parent), place
    )
    if not path.is_file():
        raise PluginError(
            f"plugin {claim.owner}: its {claim.kind} '{claim.name}' is said to be {claim.target}, "
            f"which does not exist; report it to its author, or: pip uninstall {claim.distribution}"
        )
    return path
