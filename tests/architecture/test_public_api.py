"""The names that plugins use are listed in `public_api.txt`, and the plugins use no others."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture import public_api

ROOT = Path(__file__).parents[2]
FOLDERS = [
    "plugins/saysel-nli/saysel_nli",
    "plugins/saysel-ray/saysel_ray",
    "plugins/saysel-rivals/saysel_rivals",
    "plugins/saysel-track/saysel_track",
    "plugins/saysel-witness/saysel_witness",
]
PLUGIN_FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> list[str]:
    """What a file imports of saysel, as `module.name`."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if name.partition(".")[0] == "saysel"]


def test_the_public_names_are_those_of_the_file() -> None:
    listed = public_api.FILE.read_text(encoding="utf-8")

    assert public_api.text() == listed, (
        "a public name or signature has changed; if that is meant, say so in the changelog and "
        "run: python -m tests.architecture.public_api"
    )


def test_every_public_name_is_there() -> None:
    assert len(public_api.MODULES) == 14
    for module in public_api.MODULES:
        assert public_api.names(module), module


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_plugin_uses_public_names_only(path: Path) -> None:
    public = {
        f"{module}.{name}" for module in public_api.MODULES for name in public_api.names(module)
    }

    private = [name for name in imported(path) if name not in public | set(public_api.MODULES)]

    assert not private, f"not in __all__ of a public module: {', '.join(private)}"
