from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from saysel.runs.follow import RunState
from tests.support.end_to_end import invoke

STARTED = {"event": "run_started", "recipe": "mine", "pending": ["sample", "train-ppo", "report"]}


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
    started = {"event": "stage_started", "stage": "sample", "time": 100.0, "fingerprint": "ab"}
    begun = {"event": "progress", "stage": "sample", "unit": "questions", "total": 400}
    state = state_after(STARTED, started, {**begun, "time": 101.0, "done": 0, "seconds": 0.0})
    assert state.lines(now=109.0)[0].endswith("running  9 s  0 of 400 questions")

    state.update({**begun, "time": 120.0, "done": 100, "seconds": 20.0})

    assert state.lines(now=130.0)[0].endswith("100 of 400 questions, about 50 s left")
    assert state.stages["sample"].share == 0.25
    assert (state.stages["sample"].fingerprint, state.time) == ("ab", 120.0)


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

    again = state_after(*failed, {**STARTED, "pending": ["train-ppo", "report"]})

    assert not again.ended
    assert [line.split()[:2] for line in again.lines(9.0)] == [
        ["sample", "done"],
        ["train-ppo", "to"],
        ["report", "to"],
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
