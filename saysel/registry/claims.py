"""What a plugin provides: the names its hooks return, checked before any is used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import pluggy

from saysel import hookspecs
from saysel.errors import PluginError

#: Recipes have names like components, and files instead of classes.
RECIPE = "recipe"
HOOKS = [name for name in dir(hookspecs) if name.startswith("saysel_")]


class Origin(NamedTuple):
    """Where a plugin comes from.

    Attributes:
        distribution, version: of the installed package; for a `sayselfile.py` its path and the
            first digits of its digest.
        file: the `sayselfile.py`; `None` for an installed package.
    """

    distribution: str
    version: str
    file: Path | None = None

    @property
    def label(self) -> str:
        """How messages begin."""
        return str(self.file) if self.file else f"plugin {self.distribution} {self.version}"

    @property
    def remedy(self) -> str:
        """How messages end."""
        if self.file:
            return "correct it there"
        return f"report it to its author, or: pip uninstall {self.distribution}"


class Claim(NamedTuple):
    """A name that a plugin provides.

    Attributes:
        kind: one of `hookspecs.INTERFACES`, or `recipe`.
        name: the name in recipes.
        target: `package.module:Class`, or `package:folder/file.yaml`.
        origin: where the plugin comes from.
    """

    kind: str
    name: str
    target: str
    origin: Origin

    @property
    def distribution(self) -> str:
        return self.origin.distribution

    @property
    def version(self) -> str:
        return self.origin.version

    @property
    def owner(self) -> str:
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class Plugin:
    """A module with hooks, and the names that they return.

    Attributes:
        module: the module, or any object with hook implementations.
        renamed: (kind, old name) to new name.
    """

    module: object
    origin: Origin
    claims: tuple[Claim, ...]
    renamed: Mapping[tuple[str, str], str] = field(default_factory=dict)


def one_line(error: BaseException) -> str:
    """Type and message of an exception on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def suggest(word: str, known: list[str], count: int = 2) -> str:
    """`did you mean 'a' or 'b'?`, or an empty text if no known word is similar."""
    near = get_close_matches(word, known, n=count, cutoff=0.6)
    return f"did you mean {' or '.join(repr(match) for match in near)}?" if near else ""


def read_plugin(module: object, origin: Origin, manager: pluggy.PluginManager) -> Plugin:
    """The names that a plugin's hooks return.

    Raises:
        PluginError: a hook has a misspelled name or no mark, fails, or returns something other
            than a mapping of names to `module:Class` (recipes: `package:folder/file.yaml`).
    """
    _check_hooks(module, origin, manager)
    claims: list[Claim] = []
    for kind in (*hookspecs.INTERFACES, RECIPE):
        hook = f"saysel_{kind}s"
        form = "package:folder/file.yaml" if kind == RECIPE else "module:Class"
        names = _call(module, hook, origin)
        if not _is_names_to_targets(names, files=kind == RECIPE):
            raise PluginError(
                f"{origin.label}: its hook {hook} must return a mapping of names to '{form}' "
                f"(got {names!r:.80}); {origin.remedy}"
            )
        claims += [Claim(kind, name, target, origin) for name, target in names.items()]
    renamed = _call(module, "saysel_renamed", origin)
    if not _is_old_to_new_names(renamed):
        raise PluginError(
            f"{origin.label}: its hook saysel_renamed must return a mapping of kinds to mappings "
            f"of old names to new ones (got {renamed!r:.80}); {origin.remedy}"
        )
    old_names = {(kind, old): new for kind, names in renamed.items() for old, new in names.items()}
    return Plugin(module, origin, tuple(claims), old_names)


def _check_hooks(module: object, origin: Origin, manager: pluggy.PluginManager) -> None:
    for name in dir(module):
        if not name.startswith("saysel_"):
            continue
        marked = manager.parse_hookimpl_opts(module, name) is not None
        if marked and name not in HOOKS:
            hint = suggest(name, HOOKS, count=1) or f"the hooks are {', '.join(HOOKS)}"
            raise PluginError(f"{origin.label}: there is no hook {name}; {hint} ({origin.remedy})")
        if not marked and name in HOOKS:
            raise PluginError(
                f"{origin.label}: {name} lacks the mark @saysel.hookimpl; {origin.remedy}"
            )


def _call(module: object, hook: str, origin: Origin) -> Any:
    """What a plugin's hook returns; an empty mapping if the plugin does not have the hook.

    Raises:
        PluginError: the hook fails.
    """
    if not hasattr(module, hook):
        return {}
    try:
        return getattr(module, hook)()
    except Exception as error:
        raise PluginError(
            f"{origin.label}: its hook {hook} fails: {one_line(error)}; {origin.remedy}"
        ) from error


def _is_names_to_targets(answer: object, files: bool) -> bool:
    """Whether a hook returned a mapping of names to `module:Class`, or to `package:file.yaml`."""
    if not isinstance(answer, Mapping):
        return False
    for name, target in answer.items():
        if not (isinstance(name, str) and name and isinstance(target, str)):
            return False
        module, colon, attribute = target.partition(":")
        dotted = module if files else f"{module}.{attribute}"
        if not (colon and all(part.isidentifier() for part in dotted.split("."))):
            return False
        if files and not (":" not in attribute and attribute.endswith((".yaml", ".yml"))):
            return False
    return True


def _is_old_to_new_names(answer: object) -> bool:
    """Whether the hook `saysel_renamed` returned `{kind: {old name: new name}}`."""
    return isinstance(answer, Mapping) and all(
        kind in hookspecs.INTERFACES
        and isinstance(names, Mapping)
        and all(isinstance(name, str) and name for pair in names.items() for name in pair)
        for kind, names in answer.items()
    )
