"""Writes a plugin or a recipe to start from, complete and working.

The templates are next to this file: `package/` for what all plugins share, and a directory for
each kind. What is written appears whole or not at all.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from string import Template

from saysel import registry
from saysel.errors import UsageError
from saysel.interfaces import KINDS
from saysel.recipes.extends import packaged
from saysel.recipes.recipe import load
from saysel.recipes.text import parse_yaml
from saysel.registry import suggest
from saysel.storage import disk_error, write_text

TEMPLATES = Path(__file__).parent
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
#: Characters of a name; file systems end at 255 bytes, with all that is put before and after it.
LONGEST = 64
#: What follows the plugin's own name in its class, where that is not the kind.
CLASS = {"rationale": "RationaleWriter"}


def write_plugin(name: str, kind: str) -> str:
    """Write a package with one component below the working directory.

    Returns:
        What to do next.

    Raises:
        UsageError: the name or the kind will not do, or the directory has something in it.
        StageError: it cannot be written; nothing is left behind.
    """
    if kind not in KINDS:
        hint = suggest(kind, list(KINDS))
        raise UsageError(
            f"--kind {kind}: there is no such kind; "
            + (f"{hint} " if hint else "")
            + f"kinds: {', '.join(KINDS)}"
        )
    _check_name(name)
    _check_package(name)
    chosen = component_name(name)
    if chosen in registry.names(kind):
        provider = registry.claim(kind, chosen)
        if provider.origin.file is None:  # a sayselfile.py is often the draft of the package
            raise UsageError(
                f"{name}: a {kind} called '{chosen}' comes with {provider.distribution}, and two "
                "cannot share a name; choose another"
            )
    place = Path(name)
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise UsageError(f"{name}: there is a file of this name; choose another")
    if place.is_dir() and any(place.iterdir()):
        raise UsageError(f"{name}: the directory is not empty; choose another name, or remove it")
    _appear(place, package(name, kind))
    return (
        f"{name}: a working plugin of kind {kind}, with its test. Next:\n"
        f"  pip install -e './{name}[dev]'\n"
        f"  pytest {name}\n"
        f"  saysel plugins {kind}.{chosen}\n"
        f"and in a recipe:\n"
        f"  {_skeleton(kind, 'recipe.yaml', {'name': chosen}).strip()}\n"
        f"Then make it yours: {place / module_name(name) / kind}.py"
    )


def write_recipe(name: str, base: str) -> str:
    """Write a recipe that extends another one to NAME.yaml in the working directory.

    Returns:
        What to do next.

    Raises:
        UsageError: the name will not do, the file is there, or there is no such base.
        StageError: it cannot be written; nothing is left behind.
    """
    name = name.removesuffix(".yaml")
    _check_name(name)
    file = Path(f"{name}.yaml")
    if file.exists() or file.is_symlink():
        raise UsageError(f"{file}: this file is there already; choose another name, or remove it")
    if base not in packaged():
        load(base)  # tells what is wrong with it
    text = Template(_template("recipe.yaml")).substitute(base=base, file=file)
    write_text(file, text)
    return f"{file}: extends {base}. Next:\n  saysel check {file}\n  saysel run {file} --smoke"


def component_name(name: str) -> str:
    """What recipes call the component of a package: `saysel-loud-bets` has `loud_bets`."""
    bare = name.removeprefix("saysel-")
    return module_name(bare if NAME.fullmatch(bare) and _is_text(bare) else name)


def class_name(component: str, kind: str) -> str:
    """`loud_bets` of kind `reward` is the class `LoudBetsReward`; no word comes twice."""
    words = "".join(word.capitalize() for word in component.split("_"))
    bare = words.removesuffix(kind.capitalize()) or words
    return bare + CLASS.get(kind, kind.capitalize())


def _is_text(word: str) -> bool:
    """Whether YAML reads it as text; it takes `null`, `on` and `no` for something else."""
    return bool(parse_yaml(word) == word)


def module_name(name: str) -> str:
    return name.replace("-", "_")


def package(name: str, kind: str) -> dict[str, str]:
    """The files of a plugin package: path in the package, and content."""
    module, chosen = module_name(name), component_name(name)
    values = {
        "distribution": name,
        "module": module,
        "name": chosen,
        "kind": kind,
        "article": "An" if kind[0] in "aeiou" else "A",
        "cls": class_name(chosen, kind),
    }
    component = _skeleton(kind, "component.py", values)
    recipe = _skeleton(kind, "recipe.yaml", values).strip()
    values |= {"recipe": recipe, "summary": _summary(component)}
    return {
        "pyproject.toml": _skeleton("package", "pyproject.toml", values),
        "README.md": _skeleton("package", "README.md", values),
        f"{module}/__init__.py": _skeleton("package", "__init__.py", values),
        f"{module}/{kind}.py": component,
        f"{module}/py.typed": "",
        f"tests/test_{kind}.py": _skeleton(kind, "test.py", values),
    }


def _summary(component: str) -> str:
    """The first line of the docstring of the class, as part of a sentence."""
    _, _, inside = component.partition("\nclass ")
    line = inside.partition('"""')[2].partition("\n")[0]
    return line[0].lower() + line[1:]


def _skeleton(folder: str, file: str, values: Mapping[str, str]) -> str:
    return Template(_template(f"{folder}/{file}")).substitute(values)


def _template(path: str) -> str:
    return (TEMPLATES / f"{path}.template").read_text(encoding="utf-8")


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        better = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")
        raise UsageError(
            f"{name}: a name has lower-case letters, digits and single hyphens, and begins with a "
            "letter" + (f"; did you mean '{better}'?" if NAME.fullmatch(better) else "")
        )
    if len(name) > LONGEST:
        raise UsageError(
            f"{name[:LONGEST]}…: a name has at most {LONGEST} characters (got {len(name)})"
        )


def _check_package(name: str) -> None:
    """See that the package replaces no other one, and that its module hides none."""
    module = module_name(name)
    if iskeyword(module) or not _is_text(module):
        raise UsageError(
            f"{name}: this word means something else in Python or YAML; saysel-{name} would do"
        )
    if module == "tests":
        raise UsageError(f"{name}: the tests of the package are there; saysel-{name} would do")
    # An empty directory of the name, the place to be filled, is found too: it has no file.
    if module in sys.stdlib_module_names or (
        (spec := find_spec(module)) is not None and spec.origin is not None
    ):
        raise UsageError(
            f"{name}: a module '{module}' is installed already, and one would hide the other; "
            "choose another name"
        )
    try:
        distribution(name)
    except PackageNotFoundError:
        return
    raise UsageError(
        f"{name}: a package of this name is installed already, and would be replaced; "
        "choose another name"
    )


def _appear(place: Path, contents: Mapping[str, str]) -> None:
    """Write a directory under a temporary name, and rename it when it is complete."""
    beside = Path(f".{place.name}.{os.getpid()}.tmp")
    try:
        beside.mkdir()  # a new one: a link of this name is not followed
        for path, text in contents.items():
            (beside / path).parent.mkdir(parents=True, exist_ok=True)
            (beside / path).write_text(text, encoding="utf-8")
        if place.is_dir():
            place.rmdir()  # empty; not every system renames over it
        beside.rename(place)
    except OSError as error:
        raise disk_error(error, place) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
