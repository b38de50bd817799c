"""Runs of recipes that use a `sayselfile.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from saysel import registry
from tests.support import small_plugin
from tests.support.end_to_end import invoke, stages_started

FILE = '''
import saysel
from saysel.interfaces import Metric


class Answers(Metric):
    """Number of answers."""

    better = "neither"

    def compute(self, predictions):
        return float(len(predictions)) * 1


@saysel.hookimpl
def saysel_metrics():
    return {"answers": "sayselfile:Answers"}
'''
RECIPE = """
{model: small, source: small, sample: {use: small, n: 4}, format: tags, leaks: allow, train: [],
 evaluate: {estimators: [small], metrics: [accuracy, answers]}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A recipe and its sayselfile in a folder that is not the working directory."""
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "sayselfile.py").write_bytes(FILE.replace("\n", "\r\n").encode())
    (tmp_path / "recipes" / "mine.yaml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    new_process()
    yield tmp_path
    registry.current.cache_clear()
    sys.modules.pop("sayselfile", None)


def new_process() -> None:
    """Forget all plugins, as in a new process, and install the small components."""
    registry.current.cache_clear()
    registry.current().add(small_plugin, "small", "1.0")


def test_an_edited_sayselfile_repeats_the_stages_that_use_it(folder: Path) -> None:
    recipe, run = folder / "recipes" / "mine.yaml", folder / "run"
    command = ("run", recipe, "--out", run)

    assert invoke(*command).exit_code == 0
    started = len(stages_started(run))
    assert "nothing to do" in invoke(*command).output

    sayselfile = folder / "recipes" / "sayselfile.py"
    sayselfile.write_text(FILE.replace("* 1", "* 2"))
    result = invoke(*command)

    assert result.exit_code == 0 and "nothing to do" not in result.output
    assert stages_started(run)[started:] == ["report"]
    assert '"value": 200' in (run / "report" / "metrics.json").read_text()


def test_the_run_directory_keeps_a_copy(folder: Path) -> None:
    original, run = folder / "recipes" / "sayselfile.py", folder / "run"
    assert invoke("run", folder / "recipes" / "mine.yaml", "--out", run).exit_code == 0

    assert (run / "sayselfile.py").read_bytes() == original.read_bytes()
    assert '"metric.answers": "recipes/sayselfile.py ' in (run / "manifest.json").read_text()

    original.unlink()
    new_process()
    result = invoke("report", run)
    assert result.exit_code == 0, result.output

    result = invoke("run", run / "recipe.yaml", "--out", run)
    assert "nothing to do" in result.output, result.output
    assert (run / "sayselfile.py").exists()
