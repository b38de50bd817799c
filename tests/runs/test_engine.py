"""The engine of a run: which one it is, and when it gives up what it keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.end_to_end import invoke, results

SAYSELFILE = '''
from pathlib import Path

import saysel
from pydantic import Field
from saysel.errors import StageError
from saysel.interfaces import Engine, NotFingerprinted


class WatchedEngine(Engine):
    """Notes what it does."""

    fails: NotFingerprinted[bool] = Field(False, description="whether no shard can be run")
    log: NotFingerprinted[str] = Field("log", description="file that gets a line for each act")

    def map(self, function, shards):
        self.note(type(getattr(function, "work", function)).__name__)
        if self.fails:
            raise StageError("no worker")
        return map(function, shards)

    def release(self):
        self.note("released")

    def note(self, act):
        with Path(self.log).open("a") as file:
            file.write(f"{act}\\n")


@saysel.hookimpl
def saysel_engines():
    return {"watched": "sayselfile:WatchedEngine"}
'''
RECIPE = """
name: mine
model: small
source: {use: small, train: 4}
sample: {use: small, n: 3}
leaks: allow
engine: {use: ENGINE}
train: [small]
evaluate: {estimators: [{use: small, models: [base]}]}
"""
BEFORE_TRAINING = ["SampleShard", "ClusterShard", "RationaleShard", "JudgeShard"]
AFTERWARDS = ["FitEstimator", "JudgeShard", "AskShard"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_parts: None) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sayselfile.py").write_text(SAYSELFILE)
    (tmp_path / "mine.yaml").write_text(RECIPE.replace("ENGINE", "watched, log: other"))
    (tmp_path / "local.yaml").write_text(RECIPE.replace("ENGINE", "local"))
    return tmp_path


def acts(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_an_engine_is_released_before_training_and_at_the_end(folder: Path) -> None:
    result = invoke("run", "mine.yaml", "--out", "out")

    assert result.exit_code == 0, result.output
    assert acts(folder / "other") == [*BEFORE_TRAINING, "released", *AFTERWARDS, "released"]


def test_an_engine_is_released_if_a_stage_fails(folder: Path) -> None:
    result = invoke("run", "mine.yaml", "--out", "out", "--set", "engine.fails=true")

    assert result.exit_code == 1 and "stage 'sample' failed: no worker" in result.output
    assert acts(folder / "other") == ["SampleShard", "released"]


def test_the_command_line_replaces_the_engine_and_nothing_is_repeated(folder: Path) -> None:
    watched = invoke("run", "local.yaml", "--out", "a", "--engine", "watched")
    local = invoke("run", "mine.yaml", "--out", "b", "--engine", "local")

    assert (watched.exit_code, local.exit_code) == (0, 0), watched.output + local.output
    assert acts(folder / "log")[:4] == BEFORE_TRAINING and not (folder / "other").exists()
    assert results(folder / "a") == results(folder / "b")
    again = invoke("run", "local.yaml", "--out", "a")
    assert "nothing to do" in again.output


def test_options_of_the_engine_can_be_set(folder: Path) -> None:
    options = ("--engine", "watched", "--set", "engine.log=third", "--until", "sample")
    result = invoke("run", "local.yaml", "--out", "out", *options)

    assert result.exit_code == 0, result.output
    assert acts(folder / "third") == ["SampleShard", "released"]


@pytest.mark.parametrize("override", ["engine=local", "engine.use=local", "engine={use: watched}"])
def test_the_engine_is_chosen_once(folder: Path, override: str) -> None:
    refused = invoke("run", "local.yaml", "--set", override, "--engine", "watched")

    assert refused.exit_code == 2
    assert refused.stderr.startswith(
        f"--engine watched and --set {override} both choose the engine: leave one out"
    )
