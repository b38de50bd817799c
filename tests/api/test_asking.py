from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import saysel
from saysel.cli import cli
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


def test_several_questions_are_answered_in_order(tiny_run: Path) -> None:
    other = QUESTION.replace("cellar", "attic")

    first, second = saysel.ask(tiny_run, [QUESTION, other])
    printed = invoke("ask", tiny_run, QUESTION, other).stdout

    assert first == saysel.ask(tiny_run, QUESTION)
    assert printed == f"question:   {QUESTION}\n{first}\n\nquestion:   {other}\n{second}\n"
    with pytest.raises(UsageError, match="the question is empty"):
        saysel.ask(tiny_run, [QUESTION, ""])


def test_questions_from_standard_input_come_back_with_their_answers(tiny_run: Path) -> None:
    lines = f"{json.dumps({'id': 7, 'question': QUESTION, 'gold': 'the cellar'})}\n\n{QUESTION}\n"

    result = CliRunner().invoke(cli, ["ask", str(tiny_run), "--json"], input=lines)

    answer = saysel.ask(tiny_run, QUESTION)
    assert result.exit_code == 0, result.output
    first, second = map(json.loads, result.stdout.splitlines())
    assert first == {"id": 7, "question": QUESTION, "gold": "the cellar", **vars(answer)}
    assert second == {"question": QUESTION, **vars(answer)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\n", "there is no question"),
        (b'Where?\n{"q": 1}\n', "standard input, line 2: it has no text under 'question'"),
        (b'{"question": ', "standard input, line 1: not JSON"),
        (b"caf\xe9?", "standard input, line 1: not UTF-8"),
    ],
)
def test_standard_input_without_a_question_is_refused_before_any_work(
    text: bytes, message: str
) -> None:
    result = CliRunner().invoke(cli, ["ask", "no-model"], input=text)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(message) and result.stderr.count("\n") == 1


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


def test_the_name_of_a_recipe_or_of_a_run_is_not_looked_up_on_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"recipe: first run it \(saysel run quickstart\)"):
        saysel.ask("quickstart", QUESTION)
    run = tmp_path / "runs" / "quickstart"
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text("name: quickstart\nextends: quickstart\n")
    with pytest.raises(UsageError, match="did you mean runs/quickstart"):
        saysel.ask("quickstart", QUESTION)
