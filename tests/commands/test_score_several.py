"""Several files, standard input, and some of the rows."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import saysel
from saysel.cli import cli
from saysel.errors import SayselError

ONE = "id,question,confidence,correct\nq1,Where?,0.9,1\nq2,When?,0.8,0\n"


def ids(scores: saysel.Scores) -> list[str]:
    return [prediction.question_id for prediction in scores.row.predictions]


def test_the_rows_of_several_files_are_scored_together(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(ONE)
    (tmp_path / "two.csv").write_text("qid,probability,is_correct\nq3,0.4,1\n")

    scores = saysel.score([tmp_path / "one.csv", tmp_path / "two.csv"], out=tmp_path / "out")

    assert ids(scores) == ["q1", "q2", "q3"]
    assert scores["accuracy"].value == pytest.approx(2 / 3)
    assert scores.name == "one and 1 more"
    assert json.loads(scores.to_json())["run"] == "one and 1 more"
    assert "one and 1 more" in (tmp_path / "out" / "index.html").read_text()


def test_ids_of_different_questions_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(ONE)
    (tmp_path / "two.csv").write_text(ONE.replace("?", " else?"))

    scores = saysel.score([tmp_path / "one.csv", tmp_path / "two.csv"], cluster="id")

    assert ids(scores) == ["one/q1", "one/q2", "two/q1", "two/q2"]
    assert len(set(scores.row.clusters.values())) == 4


def test_files_of_one_name_and_without_ids_are_told_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").write_text("confidence,correct\n0.5,1\n")

    scores = saysel.score([tmp_path / "a" / "x.csv", tmp_path / "b" / "x.csv"])

    assert ids(scores) == [f"{tmp_path}/a/x.csv/1", f"{tmp_path}/b/x.csv/1"]


@pytest.mark.parametrize("second", [ONE, ONE.replace("question", "note")])
def test_two_methods_are_not_pooled(tmp_path: Path, second: str) -> None:
    (tmp_path / "one.csv").write_text(ONE)
    (tmp_path / "two.csv").write_text(second)

    with pytest.raises(SayselError, match=r"both have a prediction for .q1.: .*saysel compare"):
        saysel.score([tmp_path / "one.csv", tmp_path / "two.csv"])


@pytest.mark.parametrize(
    ("files", "message"), [([], "and not empty"), (["x.csv", "./x.csv"], "given twice")]
)
def test_a_list_of_files_names_each_once(files: list[str], message: str) -> None:
    with pytest.raises(SayselError, match=message):
        saysel.score(files)


def test_some_rows_of_a_frame_are_scored() -> None:
    arrays: dict[str, Any] = {
        "model": ["a", "b", "a"],
        "n": [1, 1, 2],
        "confidence": [0.9, 0.1, 0.8],
        "correct": [1, 0, 0],
    }

    assert saysel.score(arrays, where={"model": "a"}).row.n == 2
    assert saysel.score(arrays, where={"model": "a", "n": 2})["brier"].value == pytest.approx(0.64)
    for where, message in (
        ({"mode": "a"}, "no column 'mode'; it has model, n, confidence, correct"),
        ({"model": "c"}, "no such row; 'model' is a, b"),
        ({"model": "b", "n": 2}, "no such row; 'n' is 1"),
    ):
        with pytest.raises(SayselError, match=message):
            saysel.score(arrays, where=where)


def test_standard_input_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    good = CliRunner().invoke(cli, ["score", "-"], input=gzip.compress(ONE.encode()))
    bad = CliRunner().invoke(cli, ["score", "-"], input=f"{ONE}q3,Who?,7,0\n")

    assert good.exit_code == 0 and "report: scores/stdin/index.html" in good.stdout
    assert bad.exit_code == 2
    assert bad.stderr.startswith("standard input, line 4: 'confidence' is 7, outside 0 to 1")
