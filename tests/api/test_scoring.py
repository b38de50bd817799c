from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import saysel
from saysel.errors import DataError, SayselWarning, UsageError
from saysel.interfaces import PredictionArrays
from saysel.metrics.brier import Brier
from saysel.scoring import score as score_arrays
from tests.support.end_to_end import invoke

COLUMNS: dict[str, list[object]] = {
    "id": [f"q{n}" for n in range(40)],
    "confidence": [None if n == 7 else n / 40 for n in range(40)],
    "correct": [int(n % 3 > 0) for n in range(40)],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    pd.DataFrame(COLUMNS).to_csv(tmp_path / "mine.csv", index=False)
    return tmp_path / "mine.csv"


def test_files_frames_and_arrays_have_the_same_scores(file: Path) -> None:
    expected = saysel.score(file).to_dict()

    assert saysel.score(str(file)).to_dict() == expected
    assert saysel.score(pd.DataFrame(COLUMNS)).to_dict() == expected
    assert saysel.score(pl.DataFrame(COLUMNS)).to_dict() == expected
    assert saysel.score(COLUMNS).to_dict() == expected
    arrays = {
        "correct": np.array(COLUMNS["correct"]),
        "confidence": np.array(COLUMNS["confidence"], dtype=float),
    }
    assert saysel.score(arrays).to_dict() == expected
    brier = score_arrays(PredictionArrays(**arrays), [Brier(use="brier")])["brier"]
    assert saysel.score(file)["brier"] == brier


def test_it_prints_what_the_command_prints(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = saysel.score(file, metrics=["brier", {"use": "ece", "bins": 5}])

    assert capsys.readouterr() == ("", "")
    options = ("--metric", "brier", "--metric", "{use: ece, bins: 5}")
    printed = invoke("score", file, *options, "--out", file.parent / "out").stdout
    assert printed == f"{scores}\nreport: {file.parent / 'out' / 'index.html'}\n"
    assert scores.report is None
    assert [score.metric for score in scores] == ["brier", "ece(bins=5)"]
    assert invoke("score", file, *options, "--json").stdout == scores.to_json()
    assert json.loads(scores.to_json())["run"] == "mine"


def test_notebooks_show_a_table(file: Path) -> None:
    frame = pd.DataFrame({"correct": [0, 1] * 20, "confidence": [0.9] * 40})

    html = saysel.score(frame)._repr_html_()

    assert html.startswith("<table>") and "brier" in html and "40 predictions" in html
    assert "⚠ every stated confidence is" in html or "⚠" in html


def test_a_report_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    scores = saysel.score(COLUMNS, name="mine", out=tmp_path / "page")

    assert scores.report == tmp_path / "page" / "index.html"
    assert "mine" in scores.report.read_text()


def test_replies_are_parsed_and_judged() -> None:
    frame = pd.DataFrame(
        {
            "gold": ["Rome", "Oslo"],
            "text": [
                "<answer>Rome</answer><confidence>0.8</confidence>",
                "<answer>Bergen</answer><confidence>0.6</confidence>",
            ],
        }
    )

    scores = saysel.score(frame, format="tags", judge="match", columns={"output": "text"})

    assert scores["accuracy"].value == 0.5
    assert [p.answer for p in scores.row.predictions] == ["Rome", "Bergen"]


def test_the_page_says_of_replies_only_what_is_known(tmp_path: Path) -> None:
    """Without a format no reply was read; only `finish_reason` says which of them were cut."""
    answers = {**COLUMNS, "answer": ["", *"a" * 39]}

    saysel.score(answers, out=tmp_path / "plain")
    reasons = ["length"] * 10 + ["stop"] * 30
    saysel.score({**answers, "finish_reason": reasons}, out=tmp_path / "cut")

    saysel.score({**answers, "declined": [1, *[0] * 39]}, out=tmp_path / "declined")
    replies = {"gold": ["Rome"] * 4, "text": ["Answer: Rome Confidence: 70%"] * 3 + [""]}
    saysel.score(replies, format="percent", out=tmp_path / "read")

    def cells(name: str) -> list[str]:
        _, found, page = (tmp_path / name / "index.html").read_text().partition('id="replies"')
        return re.findall(r'<td class="number">(.*?)</td>', page)[:7] if found else []

    assert "1 without confidence, 1 declined" in (tmp_path / "declined/index.html").read_text()
    assert cells("plain") == []
    assert cells("cut") == ["40", "–", "–", "0.0%", "25.0%", "–", "–"]
    assert cells("declined") == ["40", "–", "–", "2.5%", "–", "–", "–"]
    assert cells("read") == ["4", "25.0%", "25.0%", "0.0%", "–", "25.0%", "–"]


def test_the_page_says_what_was_left_out(tmp_path: Path) -> None:
    unjudged = {**COLUMNS, "correct": [None, None, *[1, 0] * 19], "topic": list("abcd") * 10}

    scores = saysel.score(unjudged, cluster="topic", out=tmp_path)

    assert "2 left out because their correctness is unknown, 4 clusters" in scores.about
    assert scores.about in (tmp_path / "index.html").read_text()


def test_problems_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no metric is called 'brierr'"):
        saysel.score(COLUMNS, metrics=["brierr"])
    with pytest.raises(DataError, match="mine, row 2"):
        saysel.score({"correct": [1, 0], "confidence": [0.5, "sure"]}, name="mine")
    with pytest.raises(UsageError, match="no column is recognised as 'confidence'"):
        saysel.score({"correct": [1, 0], "p_true": [0.5, 0.7]})
    with pytest.raises(DataError, match="nothing to score"):
        saysel.score({"correct": [None], "confidence": [0.5]})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (None, r"a mapping from column names to arrays \(got NoneType\)"),
        (3, r"\(got int\)"),
        ([{"correct": 1, "confidence": 0.5}], r"pandas\.DataFrame\(rows\)"),
    ],
)
def test_what_has_no_columns_is_refused(data: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        saysel.score(data)


def test_a_run_directory_has_its_scores_already(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("name: mine\n")

    with pytest.raises(
        UsageError, match=f"run directory and has its scores: saysel report {tmp_path}"
    ):
        saysel.score(tmp_path)


@pytest.mark.parametrize("ids", [{}, {"id": list("abcdef")}])
def test_repeated_questions_are_a_warning(tmp_path: Path, ids: dict[str, list[str]]) -> None:
    """Two methods in a file, or two samples per question, would look like six questions."""
    rows = {
        **ids,
        "method": ["one"] * 3 + ["two"] * 3,
        "question": ["Rome?", "Oslo?", "Lima?"] * 2,
        "confidence": [0.9, 0.4, 0.7] * 2,
        "correct": [1, 0, 1] * 2,
    }
    with pytest.warns(SayselWarning, match=r"3 of 6 rows .*--cluster question;.*--where"):
        saysel.score(rows)
    for number, name in enumerate(("one", "two")):
        part = pd.DataFrame(rows)[3 * number :]
        part[:3].to_csv(tmp_path / f"{name}.csv", index=False)
    with pytest.warns(SayselWarning, match="3 of 6 rows"):
        saysel.score([tmp_path / "one.csv", tmp_path / "two.csv"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        saysel.score(rows, cluster="question")
        saysel.score(rows, where={"method": "one"})


def test_a_few_questions_of_one_text_are_no_warning() -> None:
    rows = {**COLUMNS, "question": ["Which is true?"] * 4 + [f"Question {n}?" for n in range(36)]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        saysel.score(rows)


def test_a_column_that_is_left_out_is_a_warning() -> None:
    with pytest.warns(SayselWarning, match="'tokens' must be|column is left out") as caught:
        saysel.score({**COLUMNS, "tokens": ["many"] * 40})
    assert caught[0].filename == __file__


@pytest.mark.parametrize("metric", ["brier", {"use": "ece", "bins": 5}])
def test_one_metric_needs_no_list(metric: object) -> None:
    data = {"confidence": [0.9, 0.2, 0.6], "correct": [1, 0, 1]}

    assert list(saysel.score(data, metrics=metric)) == list(saysel.score(data, metrics=[metric]))
