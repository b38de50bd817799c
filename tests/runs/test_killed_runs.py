"""Killed in the middle of any stage and started again, a run ends with the same records."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from saysel.hf.interruption import SAVING_MESSAGE
from tests.support import killed_run
from tests.support.end_to_end import STEPS, events, leftovers, results, stages_started
from tests.support.killed_run import KillPoint

pytestmark = pytest.mark.slow

EVALUATE = "evaluate-sft-verbalized"
MOMENTS = [
    KillPoint("model", units=110),
    KillPoint("model", "optimizer.pt"),
    KillPoint("model", "model"),
    KillPoint("model", "done.json"),
    KillPoint("sample", "part-00002.parquet"),
    KillPoint("sample", "part-00002.parquet", after=True),
    KillPoint("cluster", "part-00001.parquet"),
    KillPoint("cluster", "part-00001.parquet", after=True),
    KillPoint("cluster", "done.json", after=True),
    KillPoint("rationale", "part-00001.parquet"),
    KillPoint("rationale", "part-00001.parquet", after=True),
    KillPoint("target", "part-00001.parquet"),
    KillPoint("target", "part-00000.parquet"),
    KillPoint("target", "part-00000.parquet", after=True),
    KillPoint("train-sft", units=11),
    KillPoint("train-sft", "optimizer.pt"),
    KillPoint("train-sft", "model"),
    KillPoint("train-ppo", units=1),
    KillPoint("train-ppo", "checkpoint.pt"),
    KillPoint("train-ppo", "checkpoint.pt", after=True),
    KillPoint("train-ppo", "model"),
    KillPoint(EVALUATE, "part-00001.parquet"),
    KillPoint(EVALUATE, "part-00001.parquet", after=True),
    KillPoint("report", "metrics.json"),
    KillPoint("report", "index.html"),
    KillPoint("report", "index.html", after=True),
    KillPoint("report", "done.json", after=True),
]


@pytest.fixture(scope="module")
def undisturbed(tiny_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("undisturbed") / "tiny"
    said = run.parent / "said"
    code = killed_run.run_command(said, "run", tiny_recipe, "--out", run)
    assert code == 0, said.read_text()
    return run


def copied_without(stage: str, undisturbed: Path, tmp_path: Path) -> Path:
    """The run with one stage still to be done."""
    run = Path(shutil.copytree(undisturbed, tmp_path / "tiny"))
    (place,) = (run / "stages").glob(f"{stage}-*")
    shutil.rmtree(place)
    if stage == "report":
        shutil.rmtree(run / "report")
    return run


def shards(place: Path) -> dict[Path, int]:
    """When each shard of a stage was written."""
    return {path: path.stat().st_mtime_ns for path in place.glob("part-*.parquet")}


@pytest.mark.parametrize("at", MOMENTS, ids=str)
def test_killed_and_started_again_is_as_if_nothing_had_happened(
    at: KillPoint, undisturbed: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    run, said = copied_without(at.stage, undisturbed, tmp_path), tmp_path / "said"
    command = ("run", tiny_recipe, "--out", run)

    assert killed_run.run_command(said, *command, at=at) == -signal.SIGKILL, said.read_text()
    (place,) = (run / "stages").glob(f"{at.stage}-*")
    done = at.file == "done.json" and at.after
    assert (place / "done.json").exists() == done
    kept, told = shards(place), len(events(run))

    assert killed_run.run_command(said, *command) == 0, said.read_text()
    assert results(run) == results(undisturbed)
    assert leftovers(run) == []
    assert stages_started(run, told) == ([] if done else [at.stage])
    if at.stage != "target":  # which is a single shard, written last
        assert {path: shards(place)[path] for path in kept} == kept


@pytest.mark.parametrize(
    ("at", "steps"),
    [
        (KillPoint("train-sft", units=11), [11, 12]),
        (KillPoint("train-ppo", "checkpoint.pt", after=True), [2]),
    ],
    ids=str,
)
def test_training_continues_from_its_last_checkpoint(
    at: KillPoint, steps: list[int], undisturbed: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    run, said = copied_without(at.stage, undisturbed, tmp_path), tmp_path / "said"
    command = ("run", tiny_recipe, "--out", run)
    assert killed_run.run_command(said, *command, at=at) == -signal.SIGKILL
    told = len(events(run))

    assert killed_run.run_command(said, *command) == 0, said.read_text()

    def figures(run: Path, since: int = 0) -> list[dict[str, Any]]:
        """The training events of these steps: losses depend on optimizer and data position."""
        return [
            {key: value for key, value in event.items() if key != "time"}
            for event in events(run)[since:]
            if event["event"] == "training" and event["stage"] == at.stage
        ]

    assert [event["step"] for event in figures(run, told)] == steps
    assert figures(run, told) == [e for e in figures(undisturbed) if e["step"] in steps]


def test_killed_in_every_stage_one_after_the_other(
    undisturbed: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    run, said = tmp_path / "tiny", tmp_path / "said"
    command = ("run", tiny_recipe, "--out", run)
    for at in (
        KillPoint("model", units=105),
        KillPoint("sample", "part-00001.parquet"),
        KillPoint("cluster", "part-00001.parquet"),
        KillPoint("rationale", "part-00001.parquet"),
        KillPoint("target", "part-00000.parquet"),
        KillPoint("train-sft", units=11),
        KillPoint("train-ppo", "checkpoint.pt", after=True),
        KillPoint(EVALUATE, "part-00001.parquet"),
        KillPoint("report", "index.html"),
    ):
        assert killed_run.run_command(said, *command, at=at) == -signal.SIGKILL, said.read_text()
        assert not (run / "report" / "index.html").exists()

    assert killed_run.run_command(said, *command) == 0, said.read_text()

    assert results(run) == results(undisturbed)
    assert leftovers(run) == []
    assert stages_started(run).count("train-ppo") == 2
    assert list(json.loads((run / "manifest.json").read_text())["stages"]) == STEPS
    assert killed_run.run_command(said, *command) == 0
    assert "nothing to do" in said.read_text()


def test_killed_while_it_wrote_an_event(
    undisturbed: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    run, said = copied_without("target", undisturbed, tmp_path), tmp_path / "said"
    path = run / "events.jsonl"
    told = path.read_bytes()
    path.write_bytes(told + b'{"time": 1.5, "event": "stage_sta')

    assert killed_run.run_command(said, "run", tiny_recipe, "--out", run) == 0, said.read_text()

    assert path.read_bytes().startswith(told)
    assert events(run)[told.count(b"\n")]["event"] == "run_started"
    assert results(run) == results(undisturbed)


@pytest.mark.parametrize(
    "at",
    [
        KillPoint("model", units=5, number=signal.SIGINT),
        KillPoint("sample", units=24, number=signal.SIGINT),
        KillPoint("train-sft", units=3, number=signal.SIGINT),
        KillPoint("train-ppo", units=1, number=signal.SIGINT),
        KillPoint(EVALUATE, units=9, number=signal.SIGINT),
    ],
    ids=str,
)
def test_interrupted_it_says_so_in_one_line_and_continues_later(
    at: KillPoint, undisturbed: Path, tiny_recipe: Path, tmp_path: Path
) -> None:
    run, said = copied_without(at.stage, undisturbed, tmp_path), tmp_path / "said"
    command = ("run", tiny_recipe, "--out", run)
    trains = at.stage in ("model", "train-sft", "train-ppo")
    assert at.units is not None

    assert killed_run.run_command(said, *command, at=at) == 130, said.read_text()
    lines = said.read_text().splitlines()
    assert [line for line in lines if line.split(": ")[0] not in STEPS] == [
        *([SAVING_MESSAGE] if trains else []),
        "interrupted; run the same command again to continue",
    ]
    told = events(run)
    assert (told[-1]["event"], told[-1]["stage"]) == ("interrupted", at.stage)

    assert killed_run.run_command(said, *command) == 0, said.read_text()
    assert results(run) == results(undisturbed)
    if trains and at.stage != "model":  # which logs no steps
        # It continued with the step after the last, although no checkpoint was due yet.
        steps = [event["step"] for event in events(run)[len(told) :] if "step" in event]
        assert steps[0] == at.units + 1
