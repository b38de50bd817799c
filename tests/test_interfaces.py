"""The docstring of every interface begins with a complete plugin, which works as it is."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from saysel import interfaces, registry, testing
from saysel.interfaces import KINDS
from saysel.records import ModelRef


@pytest.fixture(autouse=True)
def fresh_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    registry.current.cache_clear()
    yield
    registry.current.cache_clear()
    sys.modules.pop("sayselfile", None)


def example(interface: type) -> str:
    """The block of code after the first line of an interface's docstring."""
    summary, blank, fence, *lines = (inspect.getdoc(interface) or "").split("\n")
    assert summary.endswith(".") and (blank, fence) == ("", "```python")
    return "\n".join(lines[: lines.index("```")]) + "\n"


def check(component: Any, model: ModelRef, directory: Path) -> None:
    """Run the check of the component's kind with the arguments that it takes."""
    run = getattr(testing, f"check_{component.kind}")
    arguments = {"model": model, "directory": directory}
    given = [name for name in inspect.signature(run).parameters if name in arguments]
    run(component, **{name: arguments[name] for name in given if name != component.kind})


@pytest.mark.parametrize("interface", [*KINDS.values(), interfaces.BatchReward])
def test_the_example_can_be_pasted_and_used(
    interface: type[interfaces.Component], tmp_path: Path, small_model: ModelRef
) -> None:
    kind = interface.kind
    (tmp_path / "sayselfile.py").write_text(example(interface))
    (row,) = [row for row in registry.installed() if row.distribution == "sayselfile.py"]
    assert (row.kind, row.error) == (kind, None)
    assert row.summary.endswith(".")
    options = {"path": small_model.path} if kind == "model" else {}

    component = registry.build(kind, {"use": row.name, **options})

    check(component, small_model, tmp_path)
