from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import saysel
from saysel import registry
from saysel.plan.plan import plan
from saysel.recipes.recipe import load
from saysel.recipes.text import read_yaml
from saysel.storage import read_json, read_record
from tests.support.end_to_end import (
    STEPS,
    THREADS,
    events,
    invoke,
    leftovers,
    results,
    stages_started,
)

LINEAR = ("--set", "train.1.reward=linear")


def without(run: Path, *stages: str) -> None:
    """As if these stages had not been run yet."""
    for stage in stages:
        for place in (run / "stages").glob(f"{stage}-*"):
            shutil.rmtree(place)


# -------------------------------------------------------------------------- run directory


def test_the_run_directory_holds_what_came_out(tiny_run: Path, tiny_recipe: Path) -> None:
    todo = plan(load(str(tiny_recipe)))
    assert [step.name for step in todo.steps] == STEPS
    assert {path.name for path in (tiny_run / "stages").iterdir()} == {
        step.directory for step in todo.steps
    }
    for step in todo.steps:
        assert (tiny_run / "stages" / step.directory / "done.json").is_file()
        assert not (tiny_run / "stages" / step.directory / "checkpoints").exists()
    assert {path.name for path in tiny_run.iterdir()} == {
        *(".lock", "recipe.yaml", "manifest.json", "events.jsonl", "leaks", "stages", "report")
    }
    report = {path.name for path in (tiny_run / "report").iterdir()}
    assert report >= {"index.html", "metrics.json", "scores.csv", "predictions.csv", "figures"}
    assert any((tiny_run / "report" / "figures").iterdir())
    assert leftovers(tiny_run) == []


def test_its_recipe_is_the_resolved_one(tiny_run: Path, tiny_recipe: Path) -> None:
    written = read_yaml(tiny_run / "recipe.yaml")
    assert written == load(str(tiny_recipe)).resolved()
    again = plan(load(str(tiny_run / "recipe.yaml")))
    assert again.steps[-1].fingerprint == plan(load(str(tiny_recipe))).steps[-1].fingerprint


def test_the_manifest_records_the_environment_and_the_cost(tiny_run: Path) -> None:
    content = read_json(tiny_run / "manifest.json")

    assert content["schema"] == 1
    assert content["run"] == "tiny"
    assert content["versions"]["saysel"] == saysel.__version__
    assert {"python", "torch", "transformers", "trl", "peft"} <= content["versions"].keys()
    assert content["plugins"]["trainer.ppo"] == f"saysel {saysel.__version__}"
    assert content["seeds"] == {"": 0}
    assert content["hardware"]["cores"] >= 1
    assert content["git"] is None or len(content["git"]["commit"]) == 40
    stages = content["stages"]
    assert list(stages) == STEPS
    for name, stage in stages.items():
        assert (tiny_run / "stages" / f"{name}-{stage['fingerprint']}").is_dir()
        assert stage["seconds"] > 0
        assert stage["peak_memory_mb"] > 50
        generates = name in ("sample", "train-ppo") or name.startswith("evaluate")
        assert (stage["tokens"] > 0) == generates
        done = read_record(tiny_run / "stages" / f"{name}-{stage['fingerprint']}" / "done.json")
        assert {key: value for key, value in done.items() if key != "files"} == stage
    assert stages["sample"]["work"]["units"] == 24 * 4
    assert stages["train-sft"]["work"]["unit"] == "steps"
    assert 2 * 8 <= stages["train-ppo"]["tokens"] <= 2 * 8 * 48  # steps, replies, tokens at most
    assert stages["target"]["examples"] > 0
    for name in STEPS:
        timed = stages[name].get("seconds_per_question", 0)
        assert 0 <= timed * 16 <= stages[name]["seconds"]
        assert (timed > 0) == name.startswith("evaluate")


def test_events_are_recorded_in_order(tiny_run: Path) -> None:
    told = events(tiny_run)

    assert [e["event"] for e in told if "stage" not in e] == ["run_started", "run_finished"]
    assert [step["stage"] for step in told[0]["steps"] if not step["done"]] == STEPS
    stages = [(e["event"], e["stage"]) for e in told if e["event"].startswith("stage_")]
    assert stages == [
        (event, name) for name in STEPS for event in ("stage_started", "stage_finished")
    ]
    assert [e["time"] for e in told] == sorted(e["time"] for e in told)
    training = [e for e in told if e["event"] == "training"]
    assert [e["step"] for e in training if e["stage"] == "train-ppo"] == [1, 2]
    assert all("reward" in e for e in training if e["stage"] == "train-ppo")
    assert all("loss" in e for e in training if e["stage"] == "train-sft")


def test_metrics_have_a_row_per_model_and_estimator(tiny_run: Path) -> None:
    content = read_json(tiny_run / "report" / "metrics.json")

    assert content["schema"] == 1
    assert content["run"] == "tiny"
    rows = [(row["cell"], row["model"], row["estimator"]) for row in content["rows"]]
    assert rows == [
        ("", "base", "verbalized"),
        ("", "base", "self_consistency"),
        ("", "sft", "verbalized"),
        ("", "ppo", "verbalized"),
        ("", "ideal", "ideal"),
    ]
    for row in content["rows"]:
        assert (row["split"], row["n"]) == ("heldout", 16)
        assert set(row["metrics"]) >= {"accuracy", "brier", "ece", "auroc", "parse_rate"}
        for score in row["metrics"].values():
            assert {"value", "low", "high"} <= set(score)
        accuracy = row["metrics"]["accuracy"]
        assert 0 <= accuracy["low"] <= accuracy["value"] <= accuracy["high"] <= 1
    assert content["rows"][-1]["metrics"]["parse_rate"]["value"] == 1


def test_the_run_ends_with_a_table_and_where_the_report_is(tiny_run: Path) -> None:
    head, *lines, report = (tiny_run.parent / "said").read_text().splitlines()

    assert head.split()[:3] == ["metric", "base", "verbalized"] and head.endswith("the limit")
    table = [line for line in lines if not line.startswith("! ")]
    rows = read_json(tiny_run / "report" / "metrics.json")["rows"]
    shown = [line.split()[0] for line in table]
    assert shown == ["questions", "without", *rows[0]["metrics"], "seconds"]
    *seconds, ideal = table[-1].split()[1:]
    assert ideal == "–" and all(float(took) > 0 for took in seconds)
    alarms = sum(len(row["alarms"]) for row in rows)
    assert alarms and len(lines) == len(table) + alarms
    assert report == f"report: {tiny_run / 'report' / 'index.html'}"


# ----------------------------------------------------------------------- what is done again


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="needs the time of a single process")
def test_a_second_run_does_nothing_and_says_so_at_once(tiny_recipe: Path, tiny_copy: Path) -> None:
    before = (tiny_copy / "events.jsonl").read_bytes()
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from saysel.cli import main\n"
        "main()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "run", str(tiny_recipe), "--out", str(tiny_copy)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **THREADS},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said, modules = process.stdout.read(), process.stderr.read().split()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)

    assert process.returncode == 0
    assert said.splitlines() == [
        f"{tiny_copy}: nothing to do, everything is up to date",
        f"report: {tiny_copy / 'report' / 'index.html'}",
    ]
    assert used.ru_utime + used.ru_stime < 5  # importing torch alone takes longer
    assert {"saysel.runs.run", "pydantic"} <= set(modules)
    assert {"torch", "transformers", "trl", "peft", "datasets"}.isdisjoint(modules)
    assert (tiny_copy / "events.jsonl").read_bytes() == before


def test_a_lost_step_is_made_again_and_the_run_is_finished(
    tracker: Tracker, tiny_recipe: Path, tiny_copy: Path
) -> None:
    without(tiny_copy, "sample")
    (trained,) = (tiny_copy / "stages").glob("train-sft-*")
    left = trained / "checkpoints" / "checkpoint-4"  # by a kill right after the marker was written
    left.mkdir(parents=True)
    (left / "optimizer.pt").write_bytes(b"large")
    told = len(events(tiny_copy))

    assert invoke("run", tiny_recipe, "--out", tiny_copy).exit_code == 0

    assert stages_started(tiny_copy, told) == ["sample"]
    assert events(tiny_copy)[-1]["event"] == "run_finished"
    assert [name for name, _, _ in tracker.told] == ["started", "sample", "finished"]
    assert trained.is_dir() and not left.parent.exists()


def test_another_reward_repeats_ppo_and_later_steps(tiny_recipe: Path, tiny_copy: Path) -> None:
    quadratic, told = results(tiny_copy), len(events(tiny_copy))
    page = (tiny_copy / "report" / "index.html").read_text()

    assert invoke("run", tiny_recipe, "--out", tiny_copy, *LINEAR).exit_code == 0

    assert stages_started(tiny_copy, told) == ["train-ppo", "evaluate-ppo-verbalized", "report"]
    linear = results(tiny_copy)
    assert {key: linear[key] for key in quadratic if key != "metrics"} == {
        key: value for key, value in quadratic.items() if key != "metrics"
    }
    assert len(linear) == len(quadratic) + 2  # another model and its predictions
    recipe = read_yaml(tiny_copy / "recipe.yaml")
    assert recipe["train"][1]["reward"]["use"] == "linear"
    assert "linear" in (tiny_copy / "report" / "index.html").read_text()

    # Back again, everything but the page is still there.
    told = len(events(tiny_copy))
    assert invoke("run", tiny_recipe, "--out", tiny_copy).exit_code == 0
    assert stages_started(tiny_copy, told) == ["report"]
    assert results(tiny_copy)["metrics"] == quadratic["metrics"]
    assert read_yaml(tiny_copy / "recipe.yaml")["train"][1]["reward"]["use"] == "quadratic"
    assert len((tiny_copy / "report" / "index.html").read_text()) == pytest.approx(
        len(page), rel=0.01
    )


def test_throughput_options_repeat_nothing(tiny_recipe: Path, tiny_copy: Path) -> None:
    told = len(events(tiny_copy))
    knobs = ("sample.batch_size=3", "train.0.micro_batch_size=2", "train.1.checkpoint_every=7")

    result = invoke(
        "run",
        tiny_recipe,
        "--out",
        tiny_copy,
        *[word for knob in knobs for word in ("--set", knob)],
    )

    assert result.exit_code == 0
    assert "nothing to do" in result.stdout
    assert len(events(tiny_copy)) == told
    # What is written is what was last asked for.
    assert read_yaml(tiny_copy / "recipe.yaml")["sample"]["batch_size"] == 3
    assert list(read_json(tiny_copy / "manifest.json")["stages"]) == STEPS


def test_until_stops_after_a_stage_and_the_same_command_continues(
    tiny_recipe: Path, tiny_copy: Path
) -> None:
    undisturbed = results(tiny_copy)
    without(tiny_copy, "cluster", "rationale", "target", "train", "evaluate", "report")
    command = ("run", tiny_recipe, "--out", tiny_copy)

    told = len(events(tiny_copy))
    result = invoke(*command, "--until", "rationale")
    assert result.exit_code == 0
    assert stages_started(tiny_copy, told) == ["cluster", "rationale"]
    assert result.stdout.splitlines() == [
        "stopped after 'rationale'; the same command without --until continues"
    ]
    assert "nothing to do" in invoke(*command, "--until", "rationale").stdout

    told = len(events(tiny_copy))
    result = invoke(*command, "--until", "report")
    assert stages_started(tiny_copy, told) == STEPS[4:]
    assert result.stdout.splitlines()[-1].startswith("report: ")
    assert results(tiny_copy) == undisturbed


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("option", [(), ("--dry-run",), ("--smoke",)])
@pytest.mark.parametrize("until", ["train", "faithfulness", "grade"])
def test_until_is_a_stage_of_the_recipe(
    until: str, option: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text("{model: small, source: small, sample: small}")

    said = invoke(
        "run", tmp_path / "mine.yaml", "--out", tmp_path / "run", "--until", until, *option
    )

    assert said.exit_code == 2
    assert said.stderr == (
        f"until '{until}': this recipe has no such stage: use one of model, sample, cluster, "
        "rationale, target, evaluate, report\n"
    )
    assert not list(tmp_path.glob("run*/stages"))


def test_dry_run_says_what_would_be_done_and_does_nothing(
    tiny_recipe: Path, tiny_copy: Path, tmp_path: Path
) -> None:
    todo = plan(load(str(tiny_recipe)))

    fresh = invoke("run", tiny_recipe, "--dry-run", "--out", tmp_path / "new")
    assert fresh.stdout.splitlines() == [
        f"{tmp_path / 'new'}: 12 steps to do",
        *(f"  {step.directory}" for step in todo.steps),
    ]
    assert not (tmp_path / "new").exists()
    sampled = invoke(
        "run", tiny_recipe, "--dry-run", "--until", "sample", "--out", tmp_path / "new"
    )
    assert len(sampled.stdout.splitlines()) == 3

    told = len(events(tiny_copy))
    assert "nothing to do" in invoke("run", tiny_recipe, "--dry-run", "--out", tiny_copy).stdout
    linear = invoke(
        "run", tiny_recipe, "--dry-run", *LINEAR, "--out", tiny_copy
    ).stdout.splitlines()
    assert [line.rpartition("-")[0].strip() for line in linear[1:]] == [
        "train-ppo",
        "evaluate-ppo-verbalized",
        "report",
    ]
    assert len(events(tiny_copy)) == told


def test_cells_of_a_matrix_share_what_is_the_same(tiny_recipe: Path, tiny_copy: Path) -> None:
    told = len(events(tiny_copy))
    quadratic = read_json(tiny_copy / "report" / "metrics.json")["rows"]

    result = invoke(
        "run", tiny_recipe, "--out", tiny_copy,
        "--set", "matrix={'train[1].reward': [quadratic, linear]}",
    )  # fmt: skip

    assert result.exit_code == 0, result.output
    assert stages_started(tiny_copy, told) == ["train-ppo", "evaluate-ppo-verbalized", "report"]
    rows = read_json(tiny_copy / "report" / "metrics.json")["rows"]
    assert len(rows) == 10
    cells = {row["cell"] for row in rows}
    assert cells == {"reward=quadratic", "reward=linear"}
    same = [row for row in rows if row["cell"] == "reward=quadratic"]
    assert [row["metrics"] for row in same] == [row["metrics"] for row in quadratic]
    stages = read_json(tiny_copy / "manifest.json")["stages"]
    assert len(stages) == len(STEPS) + 2
    assert all((tiny_copy / "stages" / name).is_dir() for name in stages)


def test_the_split_that_an_estimator_is_fitted_on_has_to_be_there(
    tiny_recipe: Path, tiny_copy: Path, tmp_path: Path
) -> None:
    (tmp_path / "asked.csv").write_text("question,answer,split\n" + "Who?,I,heldout\n" * 1)
    told = len(events(tiny_copy))

    result = invoke(
        *("run", tiny_recipe, "--out", tiny_copy, "--set", "train=[]"),
        *("--set", f"source={{use: csv, path: {tmp_path / 'asked.csv'}}}"),
        *("--set", "evaluate.estimators=[{use: recalibrated, estimator: verbalized}]"),
    )

    assert (result.exit_code, result.stdout) == (2, "")
    assert "'dev'" in result.stderr and len(result.stderr.splitlines()) == 1
    assert len(events(tiny_copy)) == told


# -------------------------------------------------------------------------------- lifecycle


class Tracker:
    """A plugin that records its hook calls."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any, Any]] = []
        self.events: list[dict[str, Any]] = []

    @saysel.hookimpl
    def saysel_run_started(self, directory: Path, recipe: Any) -> None:
        self.told.append(("started", directory, recipe))

    @saysel.hookimpl
    def saysel_event(self, directory: Path, event: Any) -> None:
        assert json.loads((directory / "events.jsonl").read_text().splitlines()[-1]) == event
        self.events.append(event)

    @saysel.hookimpl
    def saysel_stage_finished(self, directory: Path, stage: str, record: Any) -> None:
        assert (directory / "stages" / f"{stage}-{record['fingerprint']}" / "done.json").is_file()
        self.told.append((stage, directory, record))

    @saysel.hookimpl
    def saysel_run_finished(self, directory: Path, metrics: Any) -> None:
        self.told.append(("finished", directory, metrics))


@pytest.fixture
def tracker() -> Iterator[Tracker]:
    registry.current.cache_clear()
    tracker = Tracker()
    registry.current().add(tracker, "tracker", "1.0")
    yield tracker
    registry.current.cache_clear()


def test_plugins_are_called_as_a_run_proceeds(
    tracker: Tracker, tiny_recipe: Path, tiny_copy: Path
) -> None:
    without(tiny_copy, "evaluate-sft", "report")
    before = len(events(tiny_copy))

    assert invoke("run", tiny_recipe, "--out", tiny_copy).exit_code == 0

    assert tracker.events == events(tiny_copy)[before:]
    assert [event["event"] for event in tracker.events[:2]] == ["run_started", "stage_started"]
    names = [name for name, _, _ in tracker.told]
    assert names == ["started", "evaluate-sft-verbalized", "report", "finished"]
    assert {directory for _, directory, _ in tracker.told} == {tiny_copy}
    assert tracker.told[0][2] == load(str(tiny_recipe)).resolved()
    assert tracker.told[1][2]["tokens"] > 0
    assert tracker.told[3][2] == read_json(tiny_copy / "report" / "metrics.json")

    tracker.told.clear()
    assert invoke("run", tiny_recipe, "--out", tiny_copy).exit_code == 0
    assert tracker.told == []


# --------------------------------------------------------------------- report, ask, smoke


def test_report_draws_again_from_what_is_there(tiny_recipe: Path, tiny_copy: Path) -> None:
    metrics = read_json(tiny_copy / "report" / "metrics.json")
    shutil.rmtree(tiny_copy / "report")

    result = invoke("report", tiny_copy)

    assert result.exit_code == 0
    assert read_json(tiny_copy / "report" / "metrics.json") == metrics
    assert result.stdout == (tiny_copy / "report").as_posix().join(
        [result.stdout.rpartition("report: ")[0] + "report: ", "/index.html\n"]
    )
    assert "nothing to do" in invoke("run", tiny_recipe, "--out", tiny_copy).stdout


def test_report_of_another_recipe_is_replaced(tiny_recipe: Path, tiny_copy: Path) -> None:
    said = invoke("run", tiny_recipe, "--out", tiny_copy, *LINEAR, "--until", "evaluate")
    assert said.exit_code == 0
    assert invoke("report", tiny_copy).exit_code == 0
    told = len(events(tiny_copy))

    assert invoke("run", tiny_recipe, "--out", tiny_copy).exit_code == 0

    assert stages_started(tiny_copy, told) == ["report"]


def test_report_of_something_else_is_refused(tiny_copy: Path, tmp_path: Path) -> None:
    result = invoke("report", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{tmp_path}: not a run directory, it has no recipe.yaml\n"
    without(tiny_copy, "evaluate-ppo")
    result = invoke("report", tiny_copy)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"{tiny_copy}: predictions are missing for evaluate-ppo-verbalized: run the recipe first\n"
    )


STORY = "Nora says the lantern is in the cellar. Where is the lantern?"


def test_ask_answers_from_the_last_model(tiny_copy: Path) -> None:
    result = invoke("ask", tiny_copy, STORY)

    assert result.exit_code == 0, result.output
    parts = dict(line.split(":", 1) for line in result.stdout.splitlines())
    assert parts["answer"].strip()
    assert parts["confidence"].strip().endswith("%")

    model = next((tiny_copy / "stages").glob("model-*")) / "model"
    assert invoke("ask", model, STORY).exit_code == 0


def test_ask_names_what_is_missing(tiny_copy: Path) -> None:
    for place in ("runs/typo", str(tiny_copy / "typo")):
        result = invoke("ask", place, STORY)
        told = f"{place}: there is no such run directory and no such model\n"
        assert (result.exit_code, result.stderr) == (2, told)
    described = tiny_copy / "recipe.yaml"
    described.write_text(described.read_text().replace("matrix: {}", "matrix: {seed: [0, 1]}"))
    result = invoke("ask", tiny_copy, STORY)
    assert (result.exit_code, result.stderr) == (
        2,
        f"{tiny_copy}: name one with --cell: the run has 2 cells: 1 'seed=0'; 2 'seed=1'\n",
    )


@pytest.mark.usefixtures("small_parts")
def test_a_run_whose_questions_have_changed_says_so(tmp_path: Path) -> None:
    rows = [
        {"question": f"{number}?", "answer": "a", "split": split}
        for number, split in enumerate(["heldout"] * 3)
    ]
    source = tmp_path / "mine.jsonl"
    source.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    content = {
        "model": "small",
        "source": {"use": "jsonl", "path": str(source)},
        "evaluate": {"estimators": ["small"]},
    }
    (tmp_path / "mine.yaml").write_text(json.dumps(content))
    assert invoke("run", tmp_path / "mine.yaml", "--out", tmp_path / "run").exit_code == 0
    assert invoke("report", tmp_path / "run").exit_code == 0

    source.write_text(source.read_text().replace("2?", "3?"))

    for command in ("report", "export"):
        result = invoke(command, tmp_path / "run")
        assert (
            result.exit_code == 2 and "have changed since it ran: undo the change" in result.stderr
        )


def test_smoke_runs_every_stage_in_a_separate_directory(tiny_recipe: Path, tiny_copy: Path) -> None:
    before = results(tiny_copy), (tiny_copy / "events.jsonl").read_bytes()

    result = invoke("run", tiny_recipe, "--smoke", "--out", tiny_copy)

    assert result.exit_code == 0, result.output
    smoke = Path(f"{tiny_copy}-smoke")
    assert stages_started(smoke) == STEPS
    *_, report, estimate = result.stdout.splitlines()
    assert report == f"report: {smoke / 'report' / 'index.html'}"
    assert estimate.startswith("the full run of 'tiny' will take at most about ")
    # Models are trained for one step: their replies are no reason for advice.
    assert "elicit" not in result.output and "max_tokens" not in result.output
    assert not any(line.startswith("!") for line in result.stdout.splitlines())
    assert read_json(smoke / "manifest.json")["stages"]["train-sft"]["work"]["units"] == 1
    assert (results(tiny_copy), (tiny_copy / "events.jsonl").read_bytes()) == before

    # A rehearsal is never skipped.
    assert (
        invoke("run", tiny_recipe, "--smoke", "--until", "sample", "--out", tiny_copy).exit_code
        == 0
    )
    assert stages_started(smoke) == [*STEPS, "model", "sample"]


# ------------------------------------------------------------------ training data on its own

LABELLED = "".join(
    json.dumps({"question": f"What is {n} + {n}?", "answer": str(2 * n), "split": "train"}) + "\n"
    for n in range(6)
)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("until", ["sample", "cluster", "rationale", "target"])
def test_training_data_is_built_without_a_trainer(until: str, tmp_path: Path) -> None:
    (tmp_path / "questions.jsonl").write_text(LABELLED)
    recipe = {
        "model": "small",
        "source": {"use": "jsonl", "path": str(tmp_path / "questions.jsonl")},  # no held-out ones
        "sample": {"use": "small", "n": 4},
        "evaluate": {"estimators": ["small"]},
    }
    (tmp_path / "mine.yaml").write_text(json.dumps(recipe))
    command = ("run", tmp_path / "mine.yaml", "--out", tmp_path / "run", "--until", until)
    expected = ["model", "sample", "cluster", "rationale", "target"]
    expected = expected[: expected.index(until) + 1]

    planned = invoke(*command, "--dry-run")
    assert [line.rpartition("-")[0].strip() for line in planned.stdout.splitlines()[1:]] == expected
    said = invoke(*command)

    assert said.exit_code == 0, said.output
    *_, last = said.stdout.splitlines()
    assert last == f"stopped after '{until}'; the same command without --until continues"
    assert stages_started(tmp_path / "run") == expected
    assert list(read_json(tmp_path / "run" / "manifest.json")["stages"]) == expected
    assert "nothing to do" in invoke(*command).stdout


def test_training_data_that_was_built_is_used_once_there_is_a_trainer(
    tiny_recipe: Path, tiny_run: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    without_training = ("--set", "train=[]", "--until", "target")
    assert invoke("run", tiny_recipe, "--out", run, *without_training).exit_code == 0
    told = len(events(run))

    # Evaluating the model samples nothing, and the manifest keeps what was built.
    assert invoke("run", tiny_recipe, "--out", run, "--set", "train=[]").exit_code == 0
    assert stages_started(run, told) == [*STEPS[7:9], "report"]
    assert list(read_json(run / "manifest.json")["stages"]) == [*STEPS[:5], *STEPS[7:9], "report"]

    told = len(events(run))
    assert invoke("run", tiny_recipe, "--out", run).exit_code == 0
    assert stages_started(run, told) == ["train-sft", "train-ppo", *STEPS[9:]]
    assert results(run) == results(tiny_run)
