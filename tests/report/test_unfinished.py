"""The page of a run that is still going."""

from __future__ import annotations

from typing import Any

import pytest

from saysel.replies.counts import ReplyTally
from saysel.report.content import Report, Training
from saysel.report.unfinished import StepState, page
from tests.support.browser import HOSTILE, Browser

STEPS = [
    StepState("", "sample", "done", 1.0, "1 min 12 s", ""),
    StepState("", "train-ppo", "running", 0.3, "10 s", "3 of 10 steps, about 23 s left"),
    StepState("", "evaluate-ppo-verbalized", "to do", 0.0, "", ""),
]


def draw(make_report: Any, **changes: Any) -> str:
    training = Training("train-ppo", {"reward": [(1.0, -0.5), (2.0, 0.1), (3.0, 0.4)]})
    manifest = {"stages": {"sample": {"replies": ReplyTally("base").record()}}}
    report = make_report(training=(training,), manifest=manifest)
    given = {"steps": STEPS, "summary": "1 of 3 steps is done.", "ended": ""}
    return page(report, **{**given, **changes})


def test_it_loads_itself_again_until_the_run_ends(make_report: Any) -> None:
    assert '<meta http-equiv="refresh" content="5">' in draw(make_report)
    assert "refresh" not in draw(make_report, ended="stage_failed")
    finished = draw(make_report, ended="run_finished")
    assert '<meta http-equiv="refresh" content="0; url=index.html">' in finished
    assert '<a href="index.html">' in finished


def test_a_run_that_has_just_begun(make_report: Any) -> None:
    report = make_report(rows=(), manifest={}, questions={}, clusters={})
    text = page(report, STEPS, "", "")
    assert "How far is it?" in text
    for title in ("Scores so far", "How did training go?", "Could the replies be read?"):
        assert title not in text


@pytest.mark.slow
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (1280, True)])
def test_it_is_readable_at_any_width(
    width: int, dark: bool, make_report: Any, browser: Browser, tmp_path: Any
) -> None:
    path = tmp_path / "unfinished.html"
    path.write_text(draw(make_report))
    browser.size(width, 900, dark)
    browser.open(path)

    assert browser.run("document.documentElement.scrollWidth") <= width
    shown = browser.run("document.querySelector('.progress .running').innerText")
    assert shown.startswith("train-ppo\n3 of 10 steps, about 23 s left")
    table = "document.querySelector('.progress').getBoundingClientRect().right"
    assert browser.run(table) <= width
    assert browser.run("document.querySelectorAll('#training svg').length") == 1
    assert browser.run("document.querySelectorAll('#scores tbody tr').length") == 4
    assert browser.trouble == [] and browser.requests == [path.as_uri()]


@pytest.mark.slow
def test_hostile_texts_stay_text(hostile_report: Report, browser: Browser, tmp_path: Any) -> None:
    bad = " ".join(HOSTILE)
    steps = [StepState(bad, bad, "failed", 0.5, bad, bad)]
    text = page(hostile_report, steps, bad, "stage_failed")
    path = tmp_path / "unfinished.html"
    path.write_bytes(text.encode(errors="replace"))
    browser.open(path)

    assert browser.trouble == []
    assert browser.run("document.querySelectorAll('script, img, main svg').length") == 0
