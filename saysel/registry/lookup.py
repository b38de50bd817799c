"""Names to component classes and recipes: those of saysel, of installed plugins, of a sayselfile.

Installed plugins are found through the entry-point group `saysel`, whose values are modules with
hooks. Built-in components are registered through the same hooks. A component's class is imported
when a recipe uses its name, not before.

A plugin that cannot be used is left out, and the reason kept; other plugins still work. All hook
modules are imported at the first lookup of any name, so that two plugins with the same name are
noticed whatever a recipe uses.
"""

from __future__ import annotations

import inspect
import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import pluggy

from saysel import __version__, hookspecs
from saysel.errors import PluginError
from saysel.registry import builtins, sayselfile
from saysel.registry.claims import RECIPE, Claim, Origin, Plugin, one_line, read_plugin, suggest
from saysel.registry.entry_points import plugin_modules
from saysel.registry.loading import find_file, import_plugin, load_class
from saysel.registry.source_code import source_digest

if TYPE_CHECKING:
    from saysel.interfaces import Component

log = logging.getLogger(__name__)


class Installed(NamedTuple):
    """A row of `saysel plugins`.

    Attributes:
        summary: the first line of the class's docstring.
        error: why it cannot be used, or `None`. A plugin that cannot be loaded at all has empty
            `kind` and `name`, and its module as `target`.
    """

    kind: str
    name: str
    target: str
    distribution: str
    version: str
    summary: str
    error: str | None


class Registry:
    """The plugins of one process."""

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._plugins: list[Plugin] = []
        self._broken: list[Installed] = []
        self.sayselfile: Path | None = None
        self._sayselfile_digest = ""
        self._loaded = False
        self._warned = False
        self.add(builtins, "saysel", __version__)

    def add(self, plugin: object, distribution: str, version: str) -> None:
        """Register an object with hook implementations.

        Raises:
            PluginError: a hook is wrong; nothing of the plugin is registered.
        """
        self._add(plugin, Origin(distribution, version))

    def _add(self, module: object, origin: Origin) -> None:
        plugin = read_plugin(module, origin, self._manager)
        try:
            self._manager.register(module)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise PluginError(f"{origin.label}: {one_line(error)}; {origin.remedy}") from error
        self._plugins.append(plugin)

    # ------------------------------------------------------------------------------ loading

    def load(self) -> None:
        """Import and register the installed plugins, once, and leave out the broken ones."""
        if self._loaded:
            return
        self._loaded = True
        for module, distribution, version in plugin_modules():
            origin = Origin(distribution, version)
            try:
                self._add(import_plugin(module, origin), origin)
            except PluginError as error:
                self._leave_out(module, origin, error)
        self.use_sayselfile()

    def use_sayselfile(self, folder: Path | None = None) -> None:
        """Register the `sayselfile.py` of a folder, or of the working directory, in place of any
        other that was registered before. One that has not changed is not run again.
        """
        self.load()
        path = sayselfile.find(folder)
        digest = sayselfile.digest(path) if path else ""
        if (path, digest) == (self.sayselfile, self._sayselfile_digest):
            return
        self._forget_sayselfile()
        self.sayselfile, self._sayselfile_digest = path, digest
        if path is None:
            return
        origin = sayselfile.origin(path)
        try:
            self._add(sayselfile.load(path), origin)
        except PluginError as error:
            self._leave_out(sayselfile.MODULE, origin, error)

    def _forget_sayselfile(self) -> None:
        if self.sayselfile is None:
            return
        for plugin in [plugin for plugin in self._plugins if plugin.origin.file]:
            self._manager.unregister(plugin.module)
            self._plugins.remove(plugin)
        self._broken = [row for row in self._broken if row.target != sayselfile.MODULE]
        sayselfile.unload(self.sayselfile)

    def _leave_out(self, module: str, origin: Origin, error: PluginError) -> None:
        row = Installed("", "", module, origin.distribution, origin.version, "", str(error))
        self._broken.append(row)
        self._warned = False

    def warn(self) -> None:
        """Log once, in one line, that plugins were left out."""
        if self._warned or not self._broken:
            return
        self._warned = True
        if len(self._broken) == 1:
            log.warning("left out: %s", self._broken[0].error)
        else:
            names = ", ".join(row.distribution for row in self._broken)
            log.warning("left out: plugins %s; `saysel plugins` says why", names)

    # ------------------------------------------------------------------------------- lookup

    def hooks(self) -> pluggy.HookRelay:
        self.load()
        self.warn()
        return self._manager.hook

    def names(self, kind: str) -> list[str]:
        return sorted({claim.name for claim in self.claims() if claim.kind == kind})

    def claim(self, kind: str, name: str) -> Claim:
        """The plugin that provides a name.

        Raises:
            PluginError: no plugin provides it, or two do.
        """
        claims = [claim for claim in self.claims() if (claim.kind, claim.name) == (kind, name)]
        if not claims:
            self._unknown(kind, name)
        if len(claims) > 1:
            both = " and ".join(f"{claim.owner} ({claim.target})" for claim in claims)
            raise PluginError(
                f"the {kind} '{name}' is claimed by {both}; keep one, e.g.: {_give_up(claims)}"
            )
        return claims[0]

    def claims(self) -> list[Claim]:
        """The names that all plugins provide."""
        self.load()
        return [claim for plugin in self._plugins for claim in plugin.claims]

    def _unknown(self, kind: str, name: str) -> NoReturn:
        for plugin in self._plugins:
            if (kind, name) in plugin.renamed:
                new_name = plugin.renamed[kind, name]
                raise PluginError(f"the {kind} '{name}' is now called '{new_name}'")
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
        kinds = list(hookspecs.INTERFACES)
        claims = [claim for claim in self.claims() if claim.kind in kinds]
        rows = []
        for claim in sorted(claims, key=lambda c: (kinds.index(c.kind), c.name, c.target)):
            summary, problem = "", None
            try:
                self.claim(claim.kind, claim.name)
                summary = (inspect.getdoc(load_class(claim)) or "").partition("\n")[0]
            except PluginError as error:
                problem = str(error)
            named = (claim.kind, claim.name, claim.target, claim.distribution, claim.version)
            rows.append(Installed(*named, summary, problem))
        return rows + self._broken


def _give_up(claims: list[Claim]) -> str:
    """How to remove one of several plugins with the same name."""
    if file := next((claim.origin.file for claim in claims if claim.origin.file), None):
        return f"rename yours in {file}"
    others = (claim.distribution for claim in claims if claim.distribution != "saysel")
    return f"pip uninstall {next(others, 'saysel')}"


@cache
def current() -> Registry:
    """The registry of this process."""
    return Registry()


def use_sayselfile(folder: Path | None = None) -> None:
    """Use the `sayselfile.py` of a folder; without one there, that of the working directory.

    One that fails is left out with a warning, like any broken plugin.
    """
    current().use_sayselfile(folder)


def sayselfile_in_use() -> Path | None:
    """The `sayselfile.py` whose components and hooks are registered, if any."""
    return current().sayselfile


def component_digest(component: Component) -> str:
    """Hash of the source of a component, for fingerprints; see `source_digest`."""
    provided = {claim.name: claim for claim in current().claims() if claim.kind == component.kind}
    claim = provided.get(component.use)
    return source_digest(type(component), claim.distribution if claim else "")


def find(kind: str, name: str) -> type[Component]:
    """The class that a name stands for.

    Raises:
        PluginError: no such name (the message suggests similar ones), two plugins provide it, or
            its class cannot be imported or is not a component of its kind.
    """
    return current().find(kind, name)


def claim(kind: str, name: str) -> Claim:
    """The distribution that provides a name, and the class it stands for, not yet imported.

    Raises:
        PluginError: no such name, or two plugins provide it.
    """
    return current().claim(kind, name)


def names(kind: str) -> list[str]:
    """The names installed for a kind or `recipe`, sorted; one that two provide appears once."""
    return current().names(kind)


def recipe(name: str) -> Path:
    """The file of a recipe that comes with saysel or a plugin.

    Raises:
        PluginError: no such name, two plugins provide it, or its file is missing.
    """
    provided = current().claim(RECIPE, name)
    current().warn()
    return find_file(provided)


def installed() -> list[Installed]:
    """Everything installed, kind by kind, then the plugins that could not be loaded."""
    return current().installed()


def hooks() -> pluggy.HookRelay:
    """The hooks to call, with all plugins loaded."""
    return current().hooks()
