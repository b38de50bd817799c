from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from saysel.files import load_predictions
from saysel.files.formulas import csv_text, escaped, unescaped
from saysel.records import Prediction, Question
from saysel.report import Row
from saysel.report.data_files import predictions_csv, scores_csv

FORMULAS = [
    *("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"),
    *("'=1", "''+1", "-5"),
]


def row(**texts: str) -> Row:
    """A row of a report with one prediction; every text that comes from elsewhere is given."""
    prediction = Prediction(
        texts["id"], texts["text"], texts["text"], texts["text"], 0.5, 1.0, shares={}
    )
    return Row(
        cell=texts["text"],
        model=texts["text"],
        estimator="e",
        split="all",
        predictions=(prediction,),
        scores=(),
        n=1,
    )


def cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_a_report_starts_a_formula(formula: str) -> None:
    questions = {formula: {formula: Question(formula, formula, (formula,))}}

    text = predictions_csv([row(id=formula, text=formula)], questions)

    assert not [cell for line in cells(text) for cell in line if cell[:1] in tuple("=+-@\t\r\n＝")]


@given(text=st.text("='+-@\t\r\n \"a,", max_size=8) | st.text(max_size=20))
@example("-5")
@example("\r=1")
def test_the_apostrophe_is_removed_again(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    if "\0" in text:  # not every version of the csv module writes it
        return
    ((_,), (cell,)) = cells(csv_text(["x"], [[text or "-"]]))

    assert unescaped(cell) == (text or "-")
    assert unescaped(str(escaped(text))) == text


def test_only_text_is_escaped() -> None:
    assert csv_text(["a", "b", "c"], [[-0.5, None, "-0.5"]]) == "a,b,c\n-0.5,,'-0.5\n"


@pytest.mark.parametrize("formula", FORMULAS)
def test_our_own_file_is_read_back_as_it_was(formula: str, tmp_path: Path) -> None:
    questions = {"cell": {"q": Question("q", formula, (formula, "x"))}}
    prediction = Prediction("q", formula, formula, formula, 0.5, 1.0)
    reported = Row("cell", "m", "e", "all", (prediction,), (), 1)
    path = tmp_path / "predictions.csv"
    path.write_bytes(predictions_csv([reported], questions).encode())

    found = load_predictions(path)

    (read,) = found.predictions
    assert (read.answer, read.rationale, read.response) == (formula, formula, formula)
    assert found.questions["q"] == questions["cell"]["q"]


def test_an_apostrophe_in_a_foreign_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("confidence,correct,answer\n0.5,1,'-ing\n")

    assert load_predictions(path).predictions[0].answer == "'-ing"


def test_names_of_models_are_escaped_among_the_scores() -> None:
    from saysel.records import Score

    reported = Row("", "=1", "e", "all", (), (Score("brier", 0.1, None, None),), 1)

    assert "'=1" in cells(scores_csv([reported]))[1]
