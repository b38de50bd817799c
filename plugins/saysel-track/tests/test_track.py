"""Each tracker is read back with its own library, offline; one that is not installed is skipped."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import saysel_track
from saysel.errors import SayselWarning, UsageError
from saysel_track import VARIABLE, saysel_event, saysel_run_finished, saysel_run_started
from saysel_track.trackers import Mlflow, Tracker

RECIPE = {"name": "mine", "train": [{"use": "ppo"}]}
METRICS = {
    "rows": [
        {
            "cell": "seed=1,n=2",
            "model": "ppo",
            "estimator": "verbalized",
            "metrics": {
                **{"brier": {"value": 0.125}, "auroc": {"value": None}},
                "ece(bins=15)": {"value": 0.25},
            },
        }
    ]
}
SCORES = {
    "seed=1,n=2/ppo/verbalized/brier": 0.125,
    "seed=1,n=2/ppo/verbalized/ece(bins=15)": 0.25,
}
#: What a run announces, in order.
EVENTS: list[dict[str, Any]] = [
    {"event": "run_started", "steps": [{"stage": "train-ppo"}]},
    {"event": "stage_started", "stage": "train-ppo", "fingerprint": "ab12"},
    {"event": "training", "stage": "train-ppo", "step": 1.0, "reward": 0.25, "loss": None},
    {"event": "training", "stage": "train-ppo", "step": 2.0, "reward": 0.5, "loss": 1.5},
    {"event": "stage_finished", "stage": "train-ppo", "seconds": 3.5, "tokens": 70, "work": {}},
]


@pytest.fixture(autouse=True)
def finished() -> Iterator[None]:
    yield
    saysel_track._finish(failed=True)


def follow(directory: Path, tracker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.mkdir(exist_ok=True)
    monkeypatch.setenv(VARIABLE, tracker)
    first, *others = EVENTS
    saysel_event(first)
    saysel_run_started(directory, RECIPE)
    for event in others:
        saysel_event({"time": 1.0, **event})
    saysel_run_finished(METRICS)
    saysel_event({"time": 2.0, "event": "run_finished"})


@pytest.mark.filterwarnings("ignore")
def test_tensorboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    pytest.importorskip("torch", reason="torch is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    follow(tmp_path / "run", "tensorboard", monkeypatch)

    read = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    read.Reload()
    rewards = [(scalar.step, scalar.value) for scalar in read.Scalars("train-ppo/reward")]
    assert rewards == [(1, 0.25), (2, 0.5)]
    assert [scalar.step for scalar in read.Scalars("train-ppo/loss")] == [2]
    assert read.Scalars("seed=1,n=2/ppo/verbalized/brier")[0].value == 0.125


@pytest.mark.filterwarnings("ignore")
def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())

    follow(tmp_path / "run", "mlflow", monkeypatch)

    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("saysel")
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.run_name, run.info.status) == ("run", "FINISHED")
    history = client.get_metric_history(run.info.run_id, "train-ppo/reward")
    assert [(point.step, point.value) for point in history] == [(1, 0.25), (2, 0.5)]
    assert run.data.metrics["seed 1 n 2/ppo/verbalized/brier"] == 0.125
    assert run.data.metrics["seed 1 n 2/ppo/verbalized/ece bins 15"] == 0.25
    assert run.data.metrics["train-ppo/tokens"] == 70


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("end", ["stage_failed", "interrupted", "tracker"])
def test_a_run_of_mlflow_that_breaks_off_is_failed(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv(VARIABLE, "mlflow")
    started, stage_started, first, second, _ = EVENTS
    saysel_event(started)
    saysel_run_started(tmp_path, RECIPE)
    for event in (stage_started, first):
        saysel_event(event)
    if end == "tracker":
        with pytest.warns(SayselWarning, match="mlflow has stopped tracking, the run continues"):
            saysel_event({**second, "reward" * 100: 1.0})  # a longer name than MLflow takes
    else:
        saysel_event({"event": end, "stage": "train-ppo"})

    (meta,) = (tmp_path / "mlruns").glob("*/*/meta.yaml")
    assert f"status: {mlflow.entities.RunStatus.from_string('FAILED')}\n" in meta.read_text()


@pytest.mark.filterwarnings("ignore")
def test_a_server_of_mlflow_that_is_gone_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    tracker = Mlflow(tmp_path, RECIPE)
    tracker.client = mlflow.MlflowClient("http://127.0.0.1:9")  # where nothing listens
    began = time.monotonic()

    with pytest.raises(Exception, match=r"127\.0\.0\.1"):
        tracker.abandon()

    assert time.monotonic() - began < 5
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "60"
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("retries", [None, "0"])
def test_a_server_of_mlflow_that_is_not_there_stops_the_run_soon(
    retries: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv(VARIABLE, "mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # where nothing listens
    if retries is not None:
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", retries)
    began = time.monotonic()

    with pytest.raises(UsageError, match=r"mlflow cannot be started .*127\.0\.0\.1.*network"):
        saysel_run_started(tmp_path, RECIPE)

    assert time.monotonic() - began < (20 if retries is None else 4)
    assert os.environ.get("MLFLOW_HTTP_REQUEST_MAX_RETRIES") == retries
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ


@pytest.mark.filterwarnings("ignore")
def test_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb", reason="wandb is not installed")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))

    follow(tmp_path / "run", "wandb", monkeypatch)

    wandb.teardown()  # waits until the process that writes the file has ended
    (log,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    assert b"train-ppo/reward" in log.read_bytes()
    assert b"seed=1,n=2/ppo/verbalized/brier" in log.read_bytes()


@pytest.mark.filterwarnings("ignore")
def test_trackio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    pytest.importorskip("trackio", reason="trackio is not installed")

    follow(tmp_path / "run", "trackio", monkeypatch)

    (file,) = (tmp_path / "trackio").glob("saysel*.db")
    with closing(sqlite3.connect(file)) as database:
        logged = [json.loads(row[0]) for row in database.execute("SELECT metrics FROM metrics")]
    assert [row["train-ppo/reward"] for row in logged if "train-ppo/reward" in row] == [0.25, 0.5]
    assert SCORES in logged


def test_nothing_is_tracked_without_the_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(tmp_path / "run", "", monkeypatch)

    assert list((tmp_path / "run").iterdir()) == []


def test_an_unknown_tracker_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "wandbb")

    with pytest.raises(
        UsageError, match="SAYSEL_TRACK=wandbb: there is no such tracker: use wandb"
    ):
        saysel_run_started(tmp_path, RECIPE)


def test_a_tracker_that_cannot_be_started_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> Recorder:
        raise RuntimeError("no answer\nfrom the server")

    monkeypatch.setattr(saysel_track, "TRACKERS", {"one": unreachable})
    monkeypatch.setenv(VARIABLE, "one")

    with pytest.raises(
        UsageError, match=r"SAYSEL_TRACK=one: one cannot be started \(no answer from the server\)"
    ):
        saysel_run_started(tmp_path, RECIPE)


class Recorder(Tracker):
    """A tracker of another library, which may fail at the second figure."""

    def __init__(self, fails: bool) -> None:
        self.fails = fails
        self.sent: list[tuple[str, dict[str, float], int]] = []

    def figures(self, stage: str, values: dict[str, float], step: int) -> None:
        if self.fails and self.sent:
            raise ConnectionError("unreachable")
        self.sent.append((stage, values, step))

    def finals(self, values: dict[str, float]) -> None:
        self.sent.append(("", values, 0))

    def finish(self, failed: bool) -> None:
        self.sent.append(("failed" if failed else "finished", {}, 0))

    def abandon(self) -> None:
        self.finish(failed=True)
        raise ConnectionError("still unreachable")


def test_a_tracker_that_fails_is_left_out_and_the_others_continue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = Recorder(fails=True), Recorder(fails=False)
    trackers = {"bad": lambda *_: bad, "good": lambda *_: good}
    monkeypatch.setattr(saysel_track, "TRACKERS", trackers)

    with pytest.warns(SayselWarning, match="bad has stopped tracking") as caught:
        follow(tmp_path / "run", "bad, good", monkeypatch)

    (warning,) = (str(each.message) for each in caught)
    assert warning.endswith("the run continues: ConnectionError: unreachable")
    assert [stage for stage, _, _ in bad.sent] == ["train-ppo", "failed"]
    assert good.sent == [
        ("train-ppo", {"train-ppo/reward": 0.25}, 1),
        ("train-ppo", {"train-ppo/reward": 0.5, "train-ppo/loss": 1.5}, 2),
        ("train-ppo", {"train-ppo/seconds": 3.5, "train-ppo/tokens": 70.0}, 0),
        ("", SCORES, 0),
        ("finished", {}, 0),
    ]


def test_cells_of_a_matrix_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(fails=False)
    monkeypatch.setattr(saysel_track, "TRACKERS", {"one": lambda *_: recorder})
    monkeypatch.setenv(VARIABLE, "one")
    saysel_event({"event": "run_started", "steps": [{"stage": "train-sft"}] * 2})
    saysel_run_started(tmp_path, RECIPE)
    for fingerprint in ("ab", "cd"):
        saysel_event({"event": "stage_started", "stage": "train-sft", "fingerprint": fingerprint})
        saysel_event({"event": "training", "stage": "train-sft", "step": 1, "loss": 2.0})

    assert [stage for stage, _, _ in recorder.sent] == ["train-sft-ab", "train-sft-cd"]
