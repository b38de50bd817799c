from __future__ import annotations

from pathlib import Path

import pytest

import saysel
from saysel.errors import UsageError
from saysel.records import ModelRef
from tests.support.end_to_end import invoke

QUESTION = "Nora says the lantern is in the cellar. Where is the lantern?"


def test_a_run_answers_as_the_command_prints(
    tiny_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = saysel.ask(tiny_run, QUESTION)

    assert capsys.readouterr() == ("", "")
    assert saysel.ask(saysel.Run(tiny_run), QUESTION) == answer
    assert invoke("ask", tiny_run, QUESTION).stdout == f"{answer}\n"
    assert answer.response


def test_parts_of_a_reply_are_shown() -> None:
    answer = saysel.Answer("the <cellar>", "I am sure.", 0.85, "all of it")

    assert str(answer) == ("answer:     the <cellar>\nrationale:  I am sure.\nconfidence: 85%")
    html = answer._repr_html_()
    assert "the &lt;cellar&gt;" in html and "85%" in html and "<table>" in html
    assert str(saysel.Answer("a", None, None, "a")).splitlines()[-1] == "confidence: not stated"
    unread = saysel.Answer(None, None, None, "<b>")
    assert str(unread) == "no answer could be read from the reply: <b>"
    assert "&lt;b&gt;" in unread._repr_html_()


def test_a_model_is_asked_in_the_format_of_the_paper(small_model: ModelRef) -> None:
    answer = saysel.ask(small_model, QUESTION)

    assert isinstance(answer, saysel.Answer)
    with pytest.raises(UsageError, match="--cell is for run directories"):
        saysel.ask(small_model, QUESTION, cell="seed=1")
    with pytest.raises(UsageError, match="the question is empty"):
        saysel.ask(small_model, " ")
    with pytest.raises(UsageError, match="no such run directory"):
        saysel.ask("runs/nowhere", QUESTION)
