"""`sayselfile.py`: a plugin in one file next to the recipe, without a package around it."""

from __future__ import annotations

import hashlib
import sys
import traceback
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from weakref import WeakKeyDictionary

from saysel.errors import PluginError
from saysel.registry.claims import Origin, one_line

#: Name of the module, which its hooks use: `{"humble": "sayselfile:Humble"}`.
MODULE = "sayselfile"
NAME = f"{MODULE}.py"

#: The digests of the files that classes were loaded from, which may have changed since.
_digests: WeakKeyDictionary[type, str] = WeakKeyDictionary()


def find(folder: Path | None = None) -> Path | None:
    """The `sayselfile.py` in a folder, otherwise the one in the working directory, if any."""
    for place in filter(None, (folder, Path())):
        if (place / NAME).is_file():
            return (place / NAME).absolute()
    return None


def digest(path: Path) -> str:
    """Hash of the file, or an empty text where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def digest_of(component: type) -> str:
    """Hash of the file that defined a class when it was loaded."""
    path = Path(str(sys.modules[MODULE].__file__)) if MODULE in sys.modules else None
    return _digests.get(component) or (digest(path) if path else "")


def origin(path: Path) -> Origin:
    """How `saysel plugins` and the manifest name the file."""
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return Origin(str(shown), digest(path)[:8], path)


def load(path: Path) -> ModuleType:
    """Run the file as the module `sayselfile`.

    Its folder is appended to `sys.path`: processes that an engine starts inherit that, and import
    the file when they unpickle one of its components.

    Raises:
        PluginError: it fails; the message gives the line.
    """
    spec = spec_from_file_location(MODULE, path)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules[MODULE] = module
    try:
        # Compiled here, because a cached .pyc may be that of a version saved within this second.
        source = path.read_bytes()
        exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[MODULE]
        raise PluginError(f"{path}:{_line(error, path)}: {one_line(error)}") from error
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    loaded = hashlib.sha256(source).hexdigest()
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == MODULE:
            _digests[value] = loaded
    return module


def unload(path: Path) -> None:
    """Forget the module; components that exist already keep working."""
    sys.modules.pop(MODULE, None)
    if str(path.parent) in sys.path:
        sys.path.remove(str(path.parent))


def _line(error: BaseException, path: Path) -> int:
    """The line of the file in which an exception was raised."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno or 1
    frames = traceback.extract_tb(error.__traceback__)
    return next((f.lineno or 1 for f in reversed(frames) if f.filename == str(path)), 1)
