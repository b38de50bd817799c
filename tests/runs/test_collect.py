from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import saysel
from saysel.errors import DamagedFile, UsageError
from saysel.storage import read_json
from tests.support.end_to_end import invoke, stages_started
from tests.support.small_plugin import RECIPE

pytestmark = pytest.mark.usefixtures("small_parts")

#: Four cells; each evaluates the base model and a trained one.
MATRIX = {**RECIPE, "matrix": {"source.train": [6, 12], "seed": [0, 1]}}


def started(run: Path, stage: str) -> int:
    """How many steps of a stage a run has done itself."""
    return sum(name.startswith(stage) for name in stages_started(run))


def rows(run: Path) -> object:
    return read_json(run / "report" / "metrics.json")["rows"]


def test_cells_that_were_run_alone_are_collected(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for cell in (2, "train=12,seed=0"):
        assert saysel.run(MATRIX, out, cell=cell).complete
    assert sorted(path.name for path in (out / "cells").iterdir()) == ["2", "3"]

    saysel.run(MATRIX, out)

    whole = saysel.run(MATRIX, tmp_path / "whole").directory
    assert rows(out) == rows(whole)
    assert (started(out, "evaluate"), started(whole, "evaluate")) == (4, 8)
    assert saysel.run(MATRIX, out).ran == ()


def test_a_cell_uses_what_the_whole_run_and_other_cells_have_done(tmp_path: Path) -> None:
    recipe = {**MATRIX, "matrix": {"train.0.steps": [5, 10], "seed": [0, 1]}}
    saysel.run(recipe, tmp_path, cell=1)
    saysel.run(recipe, tmp_path, cell=3)
    assert [started(tmp_path / "cells" / cell, "model") for cell in "13"] == [1, 0]
    saysel.run(recipe, tmp_path)
    assert saysel.run(recipe, tmp_path, cell=4).ran == ("report",)


def test_the_report_is_written_again_where_its_steps_are_collected(tmp_path: Path) -> None:
    first, metrics = {**RECIPE, "name": "first"}, {**RECIPE["evaluate"], "metrics": ["ece"]}
    there = saysel.run(first, tmp_path / "there").directory
    here = saysel.run({**RECIPE, "evaluate": metrics}, tmp_path / "here").directory
    assert rows(here) != rows(there)

    assert saysel.run(first, here, collect=[there]).ran == ("report",)

    assert rows(here) == rows(there)


def test_cells_of_another_machine_are_collected_by_name(tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    moved = saysel.run(MATRIX, there, cell=4).directory

    saysel.run(MATRIX, here, collect=[moved])

    assert started(here, "evaluate") == 6
    shutil.rmtree(there)
    assert saysel.run(MATRIX, here).ran == ()
    saysel.Run(here).draw_report()


def test_a_directory_without_stages_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="missing: not a run directory, it has no stages"):
        saysel.run(MATRIX, tmp_path / "run", collect=[tmp_path / "missing"])


def test_a_damaged_step_is_not_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = saysel.run(MATRIX, tmp_path, cell=1).directory
    file = next(cell.glob("stages/evaluate-*/*.parquet"))
    file.write_bytes(file.read_bytes()[:-1] + b"?")

    monkeypatch.setattr("saysel.storage.markers._VERIFIED", set())  # as in another process
    with pytest.raises(DamagedFile, match=r"cells/1/stages/evaluate-.*is damaged"):
        saysel.run(MATRIX, tmp_path)


def test_the_console_says_which_cell_is_at_work(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(json.dumps(MATRIX))
    said = invoke("run", recipe, "--out", tmp_path / "run").stderr.splitlines()
    assert [line for line in said if line.startswith("cell ")] == [
        "cell 1 of 4: train=6,seed=0",
        "cell 2 of 4: train=6,seed=1",
        "cell 3 of 4: train=12,seed=0",
        "cell 4 of 4: train=12,seed=1",
    ]
    alone = invoke("run", recipe, "--out", tmp_path / "alone", "--cell", "seed=1,train=6")
    directory = tmp_path / "alone" / "cells" / "2"
    assert alone.stdout.endswith(f"report: {directory / 'report' / 'index.html'}\n")
    assert "<h1>mine: train=6,seed=1</h1>" in (directory / "report" / "index.html").read_text()


def test_a_dry_run_leaves_out_what_would_be_collected(tmp_path: Path) -> None:
    saysel.run(MATRIX, tmp_path / "here", cell=2)
    moved = saysel.run(MATRIX, tmp_path / "there", cell=4).directory
    recipe = tmp_path / "matrix.yaml"
    recipe.write_text(json.dumps(MATRIX))

    for options in ((), ("--collect", moved)):
        planned = invoke("run", recipe, "--out", tmp_path / "here", *options, "--dry-run")
        evaluations = [line for line in planned.stdout.splitlines() if "  evaluate-" in line]
        assert len(evaluations) == 6 - 2 * bool(options)


def test_a_smoke_run_collects_nothing_and_repeats_everything(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(json.dumps(RECIPE))
    smoke = ("run", recipe, "--out", tmp_path / "run", "--smoke")

    for more in ((), ("--dry-run",)):
        refused = invoke(*smoke, "--collect", tmp_path, *more)
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert refused.stderr == (
            "a smoke run repeats every step and collects none: leave out --collect\n"
        )
    stopped = invoke(*smoke, "--until", "sample")
    assert stopped.stdout.splitlines()[-1] == "stopped after 'sample'"
    planned = invoke(*smoke, "--until", "sample", "--dry-run").stdout.splitlines()
    assert planned[0] == f"{tmp_path / 'run-smoke'}: 2 steps to do"


def test_a_single_process_has_nothing_to_shard_models_over(tmp_path: Path) -> None:
    refused = invoke("run", "quickstart", "--out", tmp_path / "run", "--shard")

    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == (
        "--shard needs several processes: add --processes NUMBER, or use torchrun\n"
    )
