"""`import saysel`: quick, complete, and the same for type checkers as at run time."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import saysel

HEAVY = ["torch", "transformers", "numpy", "pandas", "pyarrow", "pydantic", "yaml", "rich", "click"]


def test_it_loads_nothing_heavy() -> None:
    code = f"import sys, saysel; dir(saysel); print(sorted({{*{HEAVY}}} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_every_name_is_there_and_documented() -> None:
    for name in saysel.__all__:
        value = getattr(saysel, name)
        assert name in dir(saysel)
        if name not in ("__version__", "hookimpl"):
            assert value.__doc__ and value.__module__.startswith("saysel.api.")
            assert value.__name__ == name


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(saysel.__file__).read_text())
    (typed,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.name: node.module
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert seen == {name: getattr(saysel, name).__module__ for name in seen}
    assert {*seen, "__version__", "hookimpl"} == set(saysel.__all__)


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'scroe'"):
        saysel.scroe  # type: ignore[attr-defined]  # noqa: B018
