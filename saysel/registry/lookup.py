"""Names to component classes and recipes, of what comes with saysel and what others installed.

Plugins are found through the entry-point group `saysel`, whose values are modules with hook
implementations. The built-in ones register the same way. A component's class is imported when
a recipe chooses its name, not before.

A plugin that cannot be used is left out and remembered with the reason; it harms nobody else.
The modules that entry points name are imported at the first look-up of any name, so that a
plugin that claims a taken name is noticed whatever else a recipe uses; where no plugin is
installed that costs nothing.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pluggy
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from saysel import __version__, hookspecs
from saysel.errors import PluginError, SayselError
from saysel.interfaces import KINDS, Component
from saysel.registry import builtins
from saysel.registry.loading import (
    Claim,
    brief,
    find_file,
    import_plugin,
    load_class,
    maps_names,
    names_classes,
    names_files,
)

ENTRY_POINTS = "saysel"
#: Recipes have names like components, and files instead of classes.
RECIPE = "recipe"
log = logging.getLogger(__name__)


class Installed(NamedTuple):
    """A row of `saysel plugins`.

    Attributes:
        summary: the first line of the class' docstring.
        error: why it cannot be used, or `None`. A plugin that could not be loaded at all has
            empty `kind` and `name`, and its entry point as `target`.
    """

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    summary: str
    error: str | None


class Announced(NamedTuple):
    """A module with hooks, and the distribution that says so."""

    module: str
    distribution: str
    version: str


def suggest(word: str, known: list[str], most: int = 2) -> str:
    """`did you mean 'a' or 'b'?`, or nothing if no known word is near."""
    near = get_close_matches(word, known, n=most, cutoff=0.6)
    return f"did you mean {' or '.join(repr(match) for match in near)}?" if near else ""


class Registry:
    """The plugins of one process."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._specs = [name for name in dir(hookspecs) if name.startswith("saysel_")]
        self._claims: list[Claim] = []
        self._renamed: dict[tuple[str, str], str] = {}
        self._broken: list[Installed] = []
        self._loaded = False
        self._warned = False
        self.add(builtins, "saysel", __version__)

    def add(self, plugin: object, distribution: str, version: str) -> None:
        """Register an object with hook implementations.

        Raises:
            PluginError: a hook is mistyped, has wrong arguments, fails, or returns something
                else than a mapping of names to `module:Class` (recipes: `package:file.yaml`).
                Nothing of the plugin is kept.
        """
        owner = f"plugin {distribution} {version}"
        remedy = f"report it to its author, or: pip uninstall {distribution}"
        self._check_hooks(plugin, owner, remedy)
        claims: list[Claim] = []
        for kind in (*KINDS, RECIPE):
            fits, form = (
                (names_files, "package:folder/file.yaml")
                if kind == RECIPE
                else (names_classes, "module:Class")
            )
            answer = _answer(plugin, f"saysel_{kind}s", owner, remedy)
            if not fits(answer):
                raise PluginError(
                    f"{owner}: its hook saysel_{kind}s must return a mapping of names to '{form}' "
                    f"(got {answer!r:.80}); {remedy}"
                )
            claims += [
                Claim(kind, name, target, distribution, version) for name, target in answer.items()
            ]
        renamed = _answer(plugin, "saysel_renamed", owner, remedy)
        if not maps_names(renamed):
            raise PluginError(
                f"{owner}: its hook saysel_renamed must return a mapping of kinds to mappings of "
                f"old names to new ones (got {renamed!r:.80}); {remedy}"
            )
        try:
            self._manager.register(plugin)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(f"{owner}: {brief(error)}; {remedy}") from error
        self._claims += claims
        for kind, names in renamed.items():
            self._renamed.update({(kind, old): new for old, new in names.items()})

    def _check_hooks(self, plugin: object, owner: str, remedy: str) -> None:
        for name in dir(plugin):
            if not name.startswith("saysel_"):
                continue
            marked = self._manager.parse_hookimpl_opts(plugin, name) is not None
            if marked and name not in self._specs:
                hint = (
                    suggest(name, self._specs, most=1) or f"the hooks are {', '.join(self._specs)}"
                )
                raise PluginError(f"{owner}: there is no hook {name}; {hint} ({remedy})")
            if not marked and name in self._specs:
                raise PluginError(f"{owner}: {name} lacks the mark @saysel.hookimpl; {remedy}")

    def load(self) -> None:
        """Import and register the installed plugins, once; remember the ones that are broken."""
        if self._loaded:
            return
        self._loaded = True
        for module, distribution, version in announced():
            try:
                self.add(import_plugin(module, distribution, version), distribution, version)
            except PluginError as error:
                self._broken.append(
                    Installed("", "", module, distribution, version, "", str(error))
                )

    def warn(self) -> None:
        """Tell once, in one line, that plugins were left out."""
        if self._warned or not self._broken:
            return
        self._warned = True
        if len(self._broken) == 1:
            log.warning("left out: %s", self._broken[0].error)
        else:
            names = ", ".join(row.distribution for row in self._broken)
            log.warning("left out: plugins %s; `saysel plugins` says why", names)

    def hooks(self) -> pluggy.HookRelay:
        self.load()
        self.warn()
        return self._manager.hook

    def names(self, kind: str) -> list[str]:
        self.load()
        return sorted({claim.name for claim in self._claims if claim.kind == kind})

    def claim(self, kind: str, name: str) -> Claim:
        """Who the name belongs to.

        Raises:
            PluginError: nobody claims it, or two do.
        """
        self.load()
        claims = [claim for claim in self._claims if (claim.kind, claim.name) == (kind, name)]
        if not claims:
            self._unknown(kind, name)
        if len(claims) > 1:
            both = " and ".join(f"{claim.owner} ({claim.target})" for claim in claims)
            loser = next((c.distribution for c in claims if c.distribution != "saysel"), "saysel")
            raise PluginError(
                f"the {kind} '{name}' is claimed by {both}; keep one, e.g.: pip uninstall {loser}"
            )
        return claims[0]

    def _unknown(self, kind: str, name: str) -> NoReturn:
        if (kind, name) in self._renamed:
            raise PluginError(f"the {kind} '{name}' is now called '{self._renamed[kind, name]}'")
        known = self.names(kind)
        parts = [f"no {kind} is called '{name}'"]
        if hint := suggest(name, known):
            parts.append(hint)
        parts.append(f"installed: {', '.join(known) or 'none'}")
        parts += [f"left out: {row.error}" for row in self._broken]
        raise PluginError("; ".join(parts))

    def find(self, kind: str, name: str) -> type[Component]:
        claim = self.claim(kind, name)
        self.warn()
        return load_class(claim)

    def installed(self) -> list[Installed]:
        self.load()
        rows = []
        claims = [claim for claim in self._claims if claim.kind in KINDS]
        for claim in sorted(claims, key=lambda c: (list(KINDS).index(c.kind), c[1:])):
            summary, problem = "", None
            try:
                self.claim(claim.kind, claim.name)
                summary = (inspect.getdoc(load_class(claim)) or "").partition("\n")[0]
            except PluginError as error:
                problem = str(error)
            rows.append(Installed(*claim, summary=summary, error=problem))
        return rows + self._broken


def _answer(plugin: object, hook: str, owner: str, remedy: str) -> Any:
    """What a plugin's hook returns; an empty mapping if the plugin does not have the hook.

    Raises:
        PluginError: the hook fails.
    """
    if not hasattr(plugin, hook):
        return {}
    try:
        return getattr(plugin, hook)()
    except Exception as error:
        raise PluginError(f"{owner}: its hook {hook} fails: {brief(error)}; {remedy}") from error


def announced() -> list[Announced]:
    """The hook modules that installed distributions name, in the order of loading; unimported."""
    return [
        Announced(point.value, *_origin(point))
        for point in sorted(entry_points(group=ENTRY_POINTS))
    ]


def _origin(point: EntryPoint) -> tuple[str, str]:
    if point.dist is None:  # only for entry points made by hand
        return point.name, "unknown"
    return point.dist.name, point.dist.version


@cache
def current() -> Registry:
    """The registry of this process."""
    return Registry()


def find(kind: str, name: str) -> type[Component]:
    """The class that a name stands for.

    Raises:
        PluginError: no such name (the message suggests near ones), two plugins claim it, or its
            class cannot be imported or is not what its hook promises.
    """
    return current().find(kind, name)


def claim(kind: str, name: str) -> Claim:
    """Which distribution a name is from, and its class, unimported.

    Raises:
        PluginError: no such name, or two plugins claim it.
    """
    return current().claim(kind, name)


def names(kind: str) -> list[str]:
    """The names installed for a kind or `recipe`, sorted; one that two claim appears once."""
    return current().names(kind)


def recipe(name: str) -> Path:
    """The file of a recipe that saysel or a plugin brings.

    Raises:
        PluginError: no such name, two plugins claim it, or its file is missing.
    """
    found = current().claim(RECIPE, name)
    current().warn()
    return find_file(found)


def installed() -> list[Installed]:
    """Everything installed, kind by kind, and after it the plugins that could not be loaded."""
    return current().installed()


def hooks() -> pluggy.HookRelay:
    """The hooks to call, with all plugins loaded."""
    return current().hooks()


def build(kind: str, spec: object) -> Component:
    """The component that a piece of recipe describes.

    Args:
        kind: one of `KINDS`.
        spec: a name, a mapping with `use` and options, or a component, which is returned as is.

    Raises:
        PydanticCustomError: so that a validation that this is a part of goes on and finds the
            other problems. Type `component` has the message in `ctx["message"]`; type
            `component_options` has the inner ValidationError in `ctx["cause"]` and the
            component's class in `ctx["model"]`.
    """
    if isinstance(spec, KINDS[kind]):
        return spec
    if isinstance(spec, str):
        spec = {"use": spec}
    if not isinstance(spec, Mapping):
        raise _component_error(f"must be the name of a {kind}, or a mapping with 'use'")
    name = spec.get("use")
    if not isinstance(name, str) or not name:
        raise _component_error(f"needs 'use', the name of a {kind}: {', '.join(names(kind))}")
    try:
        found = find(kind, name)
        return found.model_validate(dict(spec))
    except ValidationError as error:
        told = f"wrong options of the {kind} '{name}': " + "; ".join(
            f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()
        )
        raise PydanticCustomError(
            "component_options", "{told}", {"told": told, "cause": error, "model": found}
        ) from error
    except SayselError as error:
        raise _component_error(str(error)) from error


def _component_error(message: str) -> PydanticCustomError:
    return PydanticCustomError("component", "{message}", {"message": message})
