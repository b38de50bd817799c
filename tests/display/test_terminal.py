from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.display.terminal import printable, wrapped
from tests.support.api_server import Model, Server, always
from tests.support.end_to_end import invoke

SAYSEL = Path(__file__).parents[2] / "saysel"
CLEAR = "\x1b[2J"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("50%\rokay", r"50%\x0dokay"),
        ("\x9b2J\x7f\b", r"\x9b2J\x7f\x08"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("\ud800", r"\ud800"),
        ("two\n\tlines: naïve 東京 👍", "two\n\tlines: naïve 東京 👍"),
    ],
)
def test_control_characters_are_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(text=st.text(st.characters(exclude_categories=[])))
def test_nothing_that_is_printed_controls_a_terminal(text: str) -> None:
    shown = printable(text)

    shown.encode()
    assert not [c for c in shown if unicodedata.category(c) == "Cc" and c not in "\t\n"]
    assert printable(shown) == shown


def test_every_command_prints_through_it() -> None:
    raw = re.compile(r"\bclick\.(echo|secho)\(|(?<![\w.])print\(|sys\.std(out|err)\.write")
    files = [path for path in SAYSEL.rglob("*.py") if path.name != "terminal.py"]

    found = {
        f"{path.relative_to(SAYSEL)}: {line.strip()}"
        for path in files
        for line in path.read_text(encoding="utf-8").splitlines()
        if raw.search(line) and '"print' not in line
    }

    assert len(files) > 150
    # Code that runs in a separate process and is read by a program.
    assert {line.partition(":")[0] for line in found} == {"commands/timings.py"}


def test_names_and_contents_of_files_control_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in [
        (f"{CLEAR}.csv", "confidence,correct\n0.5,1\n"),
        ("value.csv", f"confidence,correct\n{CLEAR},1\n"),
        ("column.csv", f"confidence,{CLEAR}\n0.5,1\n"),
        ("tokens.csv", f"confidence,correct,tokens\n0.5,1,{CLEAR}\n"),
    ]:
        Path(name).write_text(content)
        result = invoke("score", name)
        assert "\x1b" not in result.output + result.stderr
        assert "x1b[2J" in result.output + result.stderr


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_lines_break_between_words(columns: int) -> None:
    text = "The part of the Brier score that bad calibration costs, of all questions."

    lines = wrapped(text, indent=4, columns=columns).split("\n")

    assert " ".join(line.strip() for line in lines) == text
    assert all(len(line) <= columns for line in lines)
    assert all(line.startswith("    ") for line in lines[1:])


RECIPE = """\
name: remote
model: {{use: remote, name: small}}
source: {{use: witness, train: 4, heldout: 8}}
format: {{use: sayself, instruction: ""}}
sample: {{use: openai, base_url: "{url}", max_tokens: 16}}
evaluate: {{estimators: [verbalized], metrics: [accuracy]}}
"""


@pytest.mark.parametrize("question", [f"{CLEAR} Where?", f"Answer: {CLEAR}Rome\nConfidence: 9"])
def test_ask_prints_no_escape_sequence_of_a_reply(
    question: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with Server(Model()) as server:  # it answers with the prompt
        (tmp_path / "r.yaml").write_text(RECIPE.format(url=server.url))
        invoke("run", tmp_path / "r.yaml", "--out", tmp_path / "run", "--until", "model")
        result = invoke("ask", tmp_path / "run", question)

    assert (result.exit_code, result.stderr) == (0, "")
    assert "\x1b" not in result.output and r"\x1b[2J" in result.output


def test_a_run_prints_no_escape_sequence_of_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with Server(always(400, f"{CLEAR}no such model")) as server:
        (tmp_path / "r.yaml").write_text(RECIPE.format(url=server.url))
        result = invoke("run", tmp_path / "r.yaml", "--out", tmp_path / "run")

    assert result.exit_code != 0
    assert "\x1b" not in result.output and "no such model" in result.output
