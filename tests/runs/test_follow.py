from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import saysel
from saysel.plan.plan import plan
from saysel.runs.follow import RunState
from saysel.runs.lock import is_worked_on, locked
from saysel.runs.unfinished import UnfinishedPage
from saysel.stages.evaluate import EvaluateStage
from saysel.storage.event_log import events
from tests.support.end_to_end import invoke
from tests.support.small_plugin import RECIPE

STAGES = ("sample", "train-ppo", "report")


def listed(name: str, done: bool = False, **more: str) -> dict[str, Any]:
    """A stage as a run lists it; its fingerprint is its name, unless another is given."""
    return {"stage": name, "fingerprint": name, "done": done, **more}


STARTED = {"event": "run_started", "recipe": "mine", "steps": [listed(name) for name in STAGES]}


def state_after(*given: dict[str, Any]) -> RunState:
    state = RunState()
    for event in given:
        state.update(event)
    return state


def test_the_stages_of_a_run() -> None:
    state = state_after(
        STARTED,
        {"event": "stage_started", "stage": "sample", "time": 100.0},
        {"event": "stage_finished", "stage": "sample", "seconds": 72.0, "time": 172.0},
        {"event": "stage_started", "stage": "train-ppo", "time": 172.0},
        {"event": "training", "stage": "train-ppo", "step": 12, "reward": 0.731, "kl": None},
    )

    assert state.recipe == "mine" and not state.ended
    assert state.lines(now=182.0) == [
        "sample     done     1 min 12 s",
        "train-ppo  running        10 s  step 12, reward 0.731",
        "report     to do",
    ]


def test_the_progress_of_a_stage() -> None:
    started = {"event": "stage_started", "stage": "sample", "time": 100.0}
    begun = {"event": "progress", "stage": "sample", "unit": "questions", "total": 400}
    state = state_after(STARTED, started, {**begun, "time": 101.0, "done": 0, "seconds": 0.0})
    assert state.lines(now=109.0)[0].endswith("running  9 s  0 of 400 questions")

    state.update({**begun, "time": 120.0, "done": 100, "seconds": 20.0})

    assert state.lines(now=130.0)[0].endswith("100 of 400 questions, about 50 s left")
    assert state.stages["sample"].share == 0.25
    assert state.time == 120.0


def test_a_run_that_failed_and_is_started_again() -> None:
    failed: tuple[dict[str, Any], ...] = (
        STARTED,
        {"event": "stage_started", "stage": "sample", "time": 0.0},
        {"event": "stage_finished", "stage": "sample", "seconds": 5.0},
        {"event": "stage_started", "stage": "train-ppo", "time": 5.0},
        {"event": "stage_failed", "stage": "train-ppo", "error": "memory ran out"},
    )
    assert state_after(*failed).ended == "stage_failed"
    assert "failed" in state_after(*failed).lines(9.0)[1]
    assert state_after(*failed).lines(9.0)[1].endswith("memory ran out")

    steps = [listed("sample", done=True), listed("train-ppo"), listed("report")]
    again = state_after(*failed, {**STARTED, "steps": steps})

    assert not again.ended
    assert [line.split() for line in again.lines(9.0)] == [
        ["sample", "done", "5", "s"],
        ["train-ppo", "to", "do"],
        ["report", "to", "do"],
    ]


def test_stages_of_an_earlier_recipe_are_no_longer_shown() -> None:
    before = [listed("sample", fingerprint="old")]
    now = [listed("model", done=True), listed("sample", fingerprint="new")]
    state = state_after(
        {**STARTED, "steps": before},
        {"event": "stage_started", "stage": "sample", "fingerprint": "old", "time": 0.0},
        {"event": "stage_finished", "stage": "sample", "seconds": 5.0},
        {**STARTED, "steps": now},
    )

    assert [line.split()[:2] for line in state.lines(9.0)] == [["model", "done"], ["sample", "to"]]


def test_cells_of_a_matrix_have_stages_of_the_same_name() -> None:
    cells = [
        listed(name, fingerprint=f"{name}-{seed}", cell=f"seed={seed}")
        for seed in (1, 2, 3)
        for name in ("sample", "train-sft")
    ]
    begun: tuple[dict[str, Any], ...] = (
        {**STARTED, "steps": [*cells, listed("report")]},
        {"event": "stage_started", "stage": "sample", "fingerprint": "sample-1", "time": 0.0},
        {"event": "stage_finished", "stage": "sample", "seconds": 70.0},
        {"event": "stage_started", "stage": "train-sft", "fingerprint": "train-sft-1"},
        {"event": "training", "stage": "train-sft", "step": 1, "loss": 0.5},
        {"event": "stage_finished", "stage": "train-sft", "seconds": 20.0},
        {"event": "stage_started", "stage": "sample", "fingerprint": "sample-2"},
        {"event": "stage_finished", "stage": "sample", "seconds": 30.0},
        {
            "event": "stage_started",
            "stage": "train-sft",
            "fingerprint": "train-sft-2",
            "time": 90.0,
        },
        {"event": "training", "stage": "train-sft", "step": 7, "loss": 0.25},
    )

    assert state_after(*begun).lines(now=100.0) == [
        "seed=1       done     1 min 30 s",
        "seed=2",
        "  sample     done           30 s",
        "  train-sft  running        10 s  step 7, loss 0.25",
        "seed=3       to do",
        "report       to do",
    ]


def test_a_finished_run_is_shown_and_watching_it_ends(tiny_run: Path) -> None:
    once = invoke("watch", tiny_run, "--once")
    assert once.exit_code == 0 and once.output.splitlines()[-1].split()[:2] == ["report", "done"]

    watched = subprocess.run(
        [sys.executable, "-m", "saysel", "watch", str(tiny_run)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert watched.stdout.splitlines()[-1].split()[:2] == ["report", "done"]


def test_the_page_of_a_run_that_stopped_in_the_middle(tiny_copy: Path) -> None:
    for pattern in ("evaluate-ppo-*", "report-*"):
        (directory,) = (tiny_copy / "stages").glob(pattern)
        shutil.rmtree(directory)
    shutil.rmtree(tiny_copy / "report")
    log = [json.loads(line) for line in (tiny_copy / "events.jsonl").read_text().splitlines()]
    (begun,) = (
        index
        for index, event in enumerate(log)
        if (event["event"], event.get("stage")) == ("progress", "evaluate-ppo-verbalized")
    )
    lines = (json.dumps(event) + "\n" for event in log[: begun + 1])
    (tiny_copy / "events.jsonl").write_text("".join(lines))

    with locked(tiny_copy):
        assert invoke("watch", tiny_copy, "--once", "--page").exit_code == 0

    page = (tiny_copy / "report" / "unfinished.html").read_text()
    assert "10 of 12 steps are done. evaluate-ppo-verbalized is running: 0 of 16 replies." in page
    assert '<tr class="to-do"><th scope="row">report</th>' in page
    scored = re.findall("<tr><td>(base|sft|ppo|ideal)</td><td>(.*?)</td>", page)
    assert scored == [
        ("base", "verbalized"),
        ("base", "self_consistency"),
        ("sft", "verbalized"),
        ("ideal", "the limit"),
    ]
    assert page.count('<h3 class="cell">train-') == 2
    assert '<th scope="row">sample</th>' in page and "Could the replies be read?" in page


def test_the_page_of_a_finished_run_leads_to_its_report(tiny_copy: Path) -> None:
    done = invoke("watch", tiny_copy, "--once", "--page")

    assert done.stderr == f"page: {tiny_copy / 'report' / 'unfinished.html'}\n"
    assert "url=index.html" in (tiny_copy / "report" / "unfinished.html").read_text()
    assert invoke("run", tiny_copy / "recipe.yaml", "--out", tiny_copy).exit_code == 0


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    result = invoke("watch", tmp_path / "none", "--once")

    assert result.exit_code == 2 and "has no events.jsonl" in result.output


@pytest.mark.usefixtures("small_parts")
def test_a_directory_in_which_a_recipe_and_its_matrix_were_run(tmp_path: Path) -> None:
    matrix = {**RECIPE, "matrix": {"seed": [0, 1]}}
    for recipe, cells in ((RECIPE, []), (matrix, ["seed=0", "seed=1"]), (RECIPE, [])):
        saysel.run(recipe, tmp_path)

        names = [
            line.split()[0] for line in invoke("watch", tmp_path, "--once").stdout.splitlines()
        ]

        assert [name for name in names if name.startswith("seed")] == cells
        assert ("model" in names) is not bool(cells)


@pytest.mark.usefixtures("small_parts")
def test_cells_that_run_alone_are_named(tmp_path: Path) -> None:
    recipe = {**RECIPE, "matrix": {"seed": list(range(10))}}
    for cell in (10, 2):
        saysel.run(recipe, tmp_path, cell=cell, until="model")
    cells = (
        "; cells that are run with --cell have their own logs: "
        f"watch {tmp_path}/cells/NUMBER, NUMBER being one of 2, 10\n"
    )

    result = invoke("watch", tmp_path, "--once")

    assert result.exit_code == 2 and result.stderr.endswith(f"has no events.jsonl{cells}")
    watching = watch(tmp_path)
    assert watching.stderr is not None
    try:
        assert watching.stderr.readline().endswith(f"waiting for the run to begin{cells}")
    finally:
        watching.kill()
        watching.communicate()


@pytest.mark.usefixtures("small_parts")
def test_a_run_up_to_a_stage_has_ended_there(tmp_path: Path) -> None:
    recipe = {**RECIPE, "train": []}
    saysel.run(recipe, tmp_path, until="cluster")
    page, state = UnfinishedPage(tmp_path), RunState()

    for event in events(tmp_path / "events.jsonl"):
        state.update(event)
    page.write(state)

    assert state.ended == "run_stopped"
    assert [line.split()[0] for line in state.lines()] == ["model", "sample", "cluster"]
    shown = re.findall(r'<th scope="row">(.*?)</th><td>done', page.path.read_text())
    assert shown == ["model", "sample", "cluster"]
    assert "evaluate" not in page.path.read_text()


@pytest.mark.usefixtures("small_parts")
def test_a_matrix_of_which_some_cells_are_finished(tmp_path: Path) -> None:
    recipe = {**RECIPE, "matrix": {"train.0.steps": [5, 10, 15]}}
    done = saysel.run(recipe, tmp_path).directory
    last = plan(saysel.load_recipe(recipe)).cells[2].of(EvaluateStage)[-1]
    shutil.rmtree(last.directory_in(done))
    log = (tmp_path / "events.jsonl").read_text().splitlines()
    begun = next(i for i, line in enumerate(log) if last.fingerprint in line and i)
    (tmp_path / "events.jsonl").write_text("\n".join(log[: begun + 1]) + "\n")

    with locked(tmp_path):
        watched = invoke("watch", tmp_path, "--once", "--page").stdout.splitlines()

    names = [line.split()[0] for line in watched]
    assert names[:3] == ["steps=5", "steps=10", "steps=15"] and names[-1] == "report"
    (running,) = (line.split()[0] for line in watched if "running" in line)
    assert running == last.name
    page = (tmp_path / "report" / "unfinished.html").read_text()
    rows = re.findall(r'scope="row(?:group)?"[^>]*>(.*?)<', page)
    assert rows[: len(names)] == names
    assert f"{last.name} (steps=15) is running" in page


def watch(*arguments: str | Path) -> subprocess.Popen[str]:
    """`saysel watch` in another process, whose output is no terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "saysel", "watch", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


#: A run that is killed at the end of its second step.
KILLED = """\
import json, os, signal, sys
import saysel
from saysel import registry
from saysel.runs.step import StepRunner
from tests.support import small_plugin

registry.current().add(small_plugin, "small", "1.0")
finish = StepRunner._finish

def killed(self, step, directory, record):
    if step.name == "sample":
        os.kill(os.getpid(), signal.SIGKILL)
    finish(self, step, directory, record)

StepRunner._finish = killed
recipe, directory, cell = json.loads(sys.argv[1])
saysel.run(recipe, directory, cell=cell)
"""


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("cell", [None, 1])
def test_watching_a_killed_run_ends(cell: int | None, tmp_path: Path) -> None:
    recipe = {**RECIPE, "matrix": {"train.0.steps": [5, 10]}} if cell else RECIPE
    arguments = json.dumps([recipe, str(tmp_path), cell])
    killed = subprocess.run([sys.executable, "-c", KILLED, arguments], check=False)
    assert killed.returncode == -signal.SIGKILL
    run = tmp_path / "cells" / "1" if cell else tmp_path

    watched = invoke("watch", run, "--page")

    assert watched.exit_code == 0
    assert watched.stdout.splitlines()[-1] == (
        f"{run}: the run ended without finishing, no process works on it any more: start it again "
        "with the same command to continue"
    )
    page = (run / "report" / "unfinished.html").read_text()
    assert "The run ended without finishing: no process works on it any more." in page
    assert '<tr class="interrupted"><th scope="row">sample</th>' in page
    assert 'http-equiv="refresh"' not in page  # it does not load itself again
    once = invoke("watch", run, "--once").stdout.splitlines()
    assert once[1].split() == ["sample", "interrupted"]
    assert once[-1] == watched.stdout.splitlines()[-1]


def test_watching_begins_before_the_run_and_lasts_as_long(tmp_path: Path) -> None:
    run = tmp_path / "later"
    watching = watch(run)
    assert watching.stderr is not None and watching.stdout is not None
    assert watching.stderr.readline() == f"{run}: waiting for the run to begin\n"

    with locked(run):
        (run / "events.jsonl").write_text(json.dumps({**STARTED, "time": 1.0}) + "\n")
        failed = {"event": "stage_failed", "stage": "sample", "error": "memory ran out"}
        started = {"event": "stage_started", "stage": "sample", "time": 1.0}
        with (run / "events.jsonl").open("a") as log:
            for event in (started, failed, started):  # it was started again
                log.write(json.dumps(event) + "\n")
        assert [watching.stdout.readline().split()[1] for _ in range(3)] == [
            *("running", "failed", "running")
        ]
        with pytest.raises(subprocess.TimeoutExpired):
            watching.wait(timeout=1.5)

    assert "ended without finishing" in watching.communicate(timeout=60)[0]


def test_looking_whether_a_run_is_worked_on_does_not_stop_it_from_starting(tmp_path: Path) -> None:
    with locked(tmp_path):
        assert is_worked_on(tmp_path)
    assert is_worked_on(tmp_path) is False

    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            is_worked_on(tmp_path)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(50):
            with locked(tmp_path):
                pass
    finally:
        stop.set()
        looking.join()
