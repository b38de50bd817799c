from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import saysel
from saysel.errors import SayselWarning, UsageError
from tests.support.end_to_end import invoke

IDS = [f"q{n}" for n in range(60)]
CORRECT = [int(n % 3 > 0) for n in range(60)]
SURE = pd.DataFrame({"id": IDS, "confidence": [1.0] * 60, "correct": CORRECT})
KNOWS = pl.DataFrame(
    {"id": IDS, "confidence": [0.1 + 0.8 * y for y in CORRECT], "correct": CORRECT}
)
FAST = {"resamples": 200, "metrics": ["brier"]}


def test_frames_are_compared_under_the_given_names() -> None:
    comparison = saysel.compare(SURE, KNOWS, names=["sure", "knows"], **FAST)

    (brier,) = comparison.differences
    assert (comparison.reference, brier.method, brier.metric) == ("sure", "knows", "brier")
    assert brier.before == pytest.approx(1 / 3) and brier.difference < 0
    assert "before: sure\nafter:  knows" in str(comparison)
    assert "<table>" in comparison._repr_html_()


def test_without_names_frames_are_numbered(tmp_path: Path) -> None:
    SURE.to_csv(tmp_path / "sure.csv")

    comparison = saysel.compare(tmp_path / "sure.csv", KNOWS, **FAST)

    assert comparison.reference == "sure.csv"
    assert comparison.differences[0].method == "method 2"
    with pytest.raises(UsageError, match="names: 1 names for 2 methods"):
        saysel.compare(SURE, KNOWS, names=["sure"])


def test_files_are_written_where_asked_for_and_only_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    SURE.to_csv("sure.csv")
    KNOWS.write_csv("knows.csv")

    comparison = saysel.compare("sure.csv", "knows.csv", **FAST)

    assert capsys.readouterr() == ("", "") and not Path("comparison").exists()
    options = ("--resamples", "200", "--metric", "brier")
    printed = invoke("compare", "sure.csv", "knows.csv", *options).stdout
    assert printed == f"{comparison}\npage: comparison/index.html\n"
    assert saysel.compare("sure.csv", "knows.csv", out="there", **FAST) == comparison
    assert Path("there/comparison.csv").read_text() == Path("comparison/comparison.csv").read_text()


def test_rows_without_an_id_are_paired_with_a_warning() -> None:
    with pytest.warns(SayselWarning, match="no column is recognised as 'id'"):
        saysel.compare(SURE.drop(columns="id"), KNOWS.drop("id"), **FAST)
