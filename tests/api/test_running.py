"""`saysel.run` and the run that it returns, with components that take no time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

import saysel
from saysel.api.rows import require_predictions
from saysel.errors import RecipeError, UsageError
from saysel.plan.plan import plan
from saysel.recipes.text import dump_yaml
from tests.support.end_to_end import invoke

pytestmark = pytest.mark.usefixtures("small_parts")

SMALL: dict[str, Any] = {
    "name": "mine",
    "leaks": "allow",
    "model": "small",
    "source": {"use": "small", "train": 12},
    "sample": "small",
    "train": [{"use": "small", "reward": "linear"}],
    "evaluate": {"estimators": ["small"], "metrics": ["accuracy", "brier", "ece"]},
}


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_mapping_runs_in_the_directory_of_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    run = saysel.run(SMALL)

    assert capsys.readouterr().out == ""
    assert run.directory == Path("runs/mine") and run.complete
    assert run.report == Path("runs/mine/report/index.html") and run.report.is_file()
    assert run.ran[0] == "model" and run.ran[-1] == "report"
    assert saysel.run(SMALL).ran == ()
    assert saysel.run(saysel.load_recipe(SMALL)).ran == ()


def test_scores_are_those_of_the_report() -> None:
    run = saysel.run(SMALL, "out")

    stored = json.loads(Path("out/report/metrics.json").read_text())
    assert list(run.scores) == ["base:small", "small:small"]
    for row, table in zip(stored["rows"], run.scores.values(), strict=True):
        assert table.to_dict() == row["metrics"]
        assert (table.predictions, table.missing) == (row["n"], row["missing"])
    assert run.scores["small:small"]["brier"].value == pytest.approx(11 / 12)
    assert saysel.Run("out").scores == run.scores
    assert [row.name for row in run.rows] == ["base · small", "small"]


def test_predictions_make_a_frame_that_can_be_scored() -> None:
    run = saysel.run(SMALL, "out")

    frame = pd.DataFrame(run.predictions)

    assert len(frame) == len(pl.DataFrame(run.predictions)) == 24
    trained = frame[frame.model == "small"]
    assert list(trained.question_id) == [f"heldout-{n}" for n in range(12)]
    assert list(trained.answers[:2]) == [["1"], ["2"]] and set(trained.answer) == {"1"}
    again = saysel.score(
        trained[["question_id", "confidence", "correct"]], metrics=["accuracy", "brier", "ece"]
    )
    assert again.to_dict() == run.scores["small:small"].to_dict()


def test_it_shows_as_text_and_in_notebooks() -> None:
    Path("mine.yaml").write_text(dump_yaml(SMALL))
    printed = invoke("run", "mine.yaml", "--out", "out").stdout

    run = saysel.Run("out")

    assert printed.startswith(f"{run}\nleaks allowed: ")
    assert run.alarms and all(f"! {alarm}\n" in printed for alarm in run.alarms)
    assert invoke("report", "out").stdout == f"{run}\nreport: out/report/index.html\n"
    html = run._repr_html_()
    assert "<table>" in html and "accuracy" in html and html.count("⚠") == len(run.alarms)


def test_overrides_until_and_smoke() -> None:
    early = saysel.run(SMALL, set={"source.train": 6}, until="target")
    assert (early.ran[-1], early.complete) == ("target", False)
    with pytest.raises(UsageError, match="the report is missing"):
        early.report  # noqa: B018
    rehearsal = saysel.run(SMALL, set=["source.train=6"], smoke=True)
    assert rehearsal.directory == Path("runs/mine-smoke") and rehearsal.complete
    assert rehearsal.recipe.resolved()["source"]["train"] == 4


def test_until_is_the_name_of_a_stage() -> None:
    with pytest.raises(UsageError, match="until 'training': this recipe has no such stage"):
        saysel.run(SMALL, until="training")


def test_runs_are_compared_by_object_and_by_row() -> None:
    run = saysel.run(SMALL, "out")
    options: dict[str, Any] = {"resamples": 100, "metrics": ["brier"]}

    alone = saysel.compare(run, **options)

    assert (alone.reference, alone.differences[0].method) == ("base · small", "small · small")
    named = saysel.compare("out:base", run, **options)
    assert named.reference == "out · base · small"
    assert named.differences[0].method == "out · small · small"


MATRIX = {**SMALL, "matrix": {"source.train": [6, 12], "seed": [0, 1]}}


def test_a_cell_of_a_matrix_run_is_compared() -> None:
    run = saysel.run(MATRIX, "out")
    options: dict[str, Any] = {"resamples": 100, "metrics": ["brier"]}

    one = saysel.compare(run, cell="train=6,seed=1", **options)

    assert one.reference == "train=6,seed=1 · base · small"
    assert [d.method for d in one.differences] == ["train=6,seed=1 · small · small"]
    printed = invoke(
        *("compare", "out", "--cell", "train=6,seed=1"),
        *("--resamples", "100", "--metric", "brier"),
    )
    assert printed.stdout == f"{one}\npage: comparison/index.html\n"
    assert "train=12,seed=1:small:small" in run.scores
    with pytest.raises(UsageError, match="cells match --cell 'seed=1'"):
        saysel.compare(run, cell="seed=1", **options)
    two = saysel.compare("out:small", cell=[1, "train=12,seed=0"], intersect=True, **options)
    assert two.reference == "train=6,seed=0 · small · small"
    assert [d.method for d in two.differences] == ["train=12,seed=0 · small · small"]
    command = ("compare", "out:small", "--intersect", "--resamples", "100", "--metric", "brier")
    assert str(two) in invoke(*command, "--cell", "1", "--cell", "3").stdout


def test_a_matrix_run_says_how_its_settings_differ() -> None:
    run = saysel.run({**MATRIX, "report": {"reference": "source.train=12"}}, "out")

    assert [one["train"] for one in run.settings if one["metric"] == "brier"] == ["6", "12"]
    assert {one["reference"] for one in run.settings} == {"train=12"}
    head, *lines, about, alarms, page = invoke("report", "out").stdout.splitlines()
    assert head.split()[0] == "train" and len(lines) == 2 and "(reference)" in lines[1]
    assert about.startswith("2 settings, means over 2 seeds")
    assert alarms == "! 8 alarms, which the report lists"
    assert page == "report: out/report/index.html"
    assert str(run).splitlines()[1:3] == lines
    assert saysel.run(SMALL, "single").settings == []


def test_a_matrix_run_is_compared_setting_by_setting() -> None:
    run = saysel.run({**MATRIX, "report": {"reference": "train=12"}}, "out")

    pooled = saysel.compare(run, metrics=["brier"])

    (difference,) = pooled.differences
    assert (pooled.reference, difference.method, pooled.seeds) == ("train=12", "train=6", 2)
    assert "they are those of 2 seeds" in pooled.summary()
    assert saysel.compare("out:small", metrics=["brier"]) == pooled
    assert len(saysel.compare("out", cell=[1, 2], metrics=["brier"]).differences) == 3


def test_missing_predictions_of_a_matrix_run_are_named_by_their_cells(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(UsageError) as raised:
        require_predictions(tmp_path, plan(saysel.load_recipe(MATRIX)))
    first, *others = str(raised.value).partition("missing for ")[2].split(", ")
    assert first == "evaluate-base-small (train=6,seed=0)"
    assert len(others) == 3 and others[-1].endswith(") and 4 more steps: run the recipe first")


def test_the_reference_of_a_matrix_is_one_of_its_settings() -> None:
    for reference, problem in (
        ("train=7", "no setting of the matrix matches 'train=7': there are train=6; train=12"),
        ("seed=0", "more than one setting of the matrix matches 'seed=0'"),
    ):
        with pytest.raises(RecipeError, match=f"report.reference: {problem}"):
            saysel.load_recipe({**MATRIX, "report": {"reference": reference}})


def test_check_sums_the_steps_of_all_cells() -> None:
    printed = str(saysel.check(MATRIX)).splitlines()
    assert printed[0] == "mine: no problems; 4 cells: 2 train × 2 seed"
    steps = {line.split()[0]: line.split()[1:3] for line in printed[2:]}
    assert steps["train-small"] == ["4", "40"] and len(printed) < 14


def test_check_counts_what_a_run_would_do() -> None:
    check = saysel.check(SMALL)

    assert (check.recipe, check.cells) == ("mine", 1)
    assert [step.name for step in check.steps][:3] == ["model", "sample", "cluster"]
    assert {step.name: (step.units, step.unit) for step in check.steps}["train-small"] == (
        10,
        "steps",
    )
    Path("mine.yaml").write_text(dump_yaml(SMALL))
    assert invoke("check", "mine.yaml").stdout == f"{check}\n"
    with pytest.raises(RecipeError, match="did you mean 'seed'"):
        saysel.check(SMALL, set={"sede": 1})


def test_what_is_no_run_directory_is_refused() -> None:
    with pytest.raises(UsageError, match="nowhere: not a run directory"):
        saysel.Run("nowhere")
    with pytest.raises(UsageError, match="nowhere: no such file of predictions"):
        saysel.compare("nowhere", "nowhere")


def test_predictions_are_exported(tmp_path: Path) -> None:
    run = saysel.run(MATRIX, "out")

    files = run.export_predictions("logs", cell="train=6,seed=1")

    assert files and all(file.is_file() for file in files)
    assert invoke(
        *("export", "out", "--predictions", "--to", "logs", "--cell", "train=6,seed=1")
    ).stdout.splitlines() == list(map(str, files))


def test_the_report_of_one_cell_is_next_to_that_of_the_run() -> None:
    run = saysel.run(MATRIX, "out")
    whole = run.report.read_bytes()

    printed = invoke("report", "out", "--cell", "train=6,seed=1")

    assert printed.exit_code == 0, printed.output
    page = Path("out/report/cells/train=6,seed=1/index.html")
    assert printed.stdout.splitlines()[-1] == f"report: {page}"
    assert "train=6,seed=0" not in printed.stdout
    content = json.loads((page.parent / "metrics.json").read_text())
    assert {row["cell"] for row in content["rows"]} == {"train=6,seed=1"}
    stored = json.loads(Path("out/report/metrics.json").read_text())["rows"]
    assert content["rows"] == [row for row in stored if row["cell"] == "train=6,seed=1"]
    assert run.report.read_bytes() == whole and run.complete
    invoke("report", "out")
    assert not page.exists()  # it would outlive a change of the recipe
    refused = invoke("report", "out", "--cell", "seed=7")
    assert refused.exit_code == 2 and "no cell matches --cell 'seed=7'" in refused.stderr


def test_one_value_needs_no_list() -> None:
    saysel.run(SMALL, "first")

    run = saysel.run(SMALL, "second", collect="first", set="report.title=One")

    assert run.recipe.report.title == "One"
    assert saysel.run(SMALL, "third", collect=Path("first")).complete
    copied = [(Path(name) / "manifest.json").read_text() for name in ("first", "third")]
    started = [json.loads(text)["stages"]["sample"]["started"] for text in copied]
    assert started[0] == started[1]
