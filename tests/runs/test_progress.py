from __future__ import annotations

import io
import sys

import pytest

from saysel.display.batch_progress import generation_goes_to, report_generation
from saysel.runs import progress
from saysel.runs.progress import StageProgress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "monotonic", clock)
    return clock


def test_plain_lines_every_ten_seconds_and_after_a_minute_every_thirty(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with StageProgress("sample") as bar:
        bar.begin(100, "questions")
        for _ in range(100):
            clock.now += 1.25
            bar.advance()
        bar.note = "2.0% cut"
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "sample: 0 of 100 questions",
        "sample: 8 of 100 questions in 10 s, about 1 min 55 s to go",
        "sample: 16 of 100 questions in 20 s, about 1 min 45 s to go",
        "sample: 24 of 100 questions in 30 s, about 1 min 35 s to go",
        "sample: 32 of 100 questions in 40 s, about 1 min 25 s to go",
        "sample: 40 of 100 questions in 50 s, about 1 min 15 s to go",
        "sample: 48 of 100 questions in 1 min 00 s, about 1 min 05 s to go",
        "sample: 72 of 100 questions in 1 min 30 s, about 35 s to go",
        "sample: 96 of 100 questions in 2 min 00 s, about 5 s to go",
        "sample: 100 of 100 questions in 2 min 05 s; 2.0% cut",
    ]


def test_tokens_show_progress_before_the_first_unit_is_done(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with StageProgress("sample") as bar, generation_goes_to(bar.generated):
        bar.begin(4, "responses")
        for _ in range(12):
            clock.now += 1
            report_generation(0.1, 300)
        assert (bar.done, bar.seconds) == (0, 0)
        bar.begin(4, "responses")
        assert bar.tokens == 0
    assert "sample: 0 of 4 responses in 10 s, 300 tokens/s" in capsys.readouterr().err.splitlines()


def test_it_measures_from_begin_to_the_last_advance(clock: Clock) -> None:
    bar = StageProgress("train")
    assert (bar.total, bar.done, bar.unit, bar.seconds_per_unit) == (0, 0, "", None)
    clock.now += 50
    bar.begin(8, "steps")
    assert bar.seconds_per_unit is None
    clock.now += 3
    bar.advance(2)
    clock.now += 1
    bar.advance(2)
    clock.now += 60
    assert (bar.total, bar.done, bar.unit) == (8, 4, "steps")
    assert bar.seconds == 4
    assert bar.seconds_per_unit == 1


def test_a_second_begin_counts_from_zero(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with StageProgress("evaluate") as bar:
        bar.begin(2, "questions")
        clock.now += 2
        bar.advance(2)
        bar.begin(3, "questions")
    assert (bar.total, bar.done) == (3, 0)
    assert capsys.readouterr().err.splitlines()[1] == "evaluate: 2 of 2 questions in 2 s"


def test_finished_work_is_reported_when_the_stage_fails(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyboardInterrupt), StageProgress("sample") as bar:
        bar.begin(10, "questions")
        bar.advance(3)
        raise KeyboardInterrupt
    assert capsys.readouterr().err.splitlines()[-1] == "sample: 3 of 10 questions in 0 s"


def test_nothing_is_reported_before_anything_begins(capsys: pytest.CaptureFixture[str]) -> None:
    with StageProgress("sample"):
        pass
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with StageProgress("sample [bold]") as bar:
        bar.begin(4, "questions")
        bar.advance(3)
        assert bar.seconds_per_unit is not None
    drawn = terminal.getvalue()
    assert "sample [bold]" in drawn  # labels are no markup
    assert "3/4" in drawn and "questions" in drawn
    assert "3 of 4" not in drawn
