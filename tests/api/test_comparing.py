from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import saysel
from saysel.errors import SayselError, SayselWarning, UsageError
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


def test_options_say_how_frames_are_read() -> None:
    percent = SURE.assign(confidence=100.0)
    comparison = saysel.compare(percent, percent, scale=100, **FAST)
    assert comparison.differences[0].before == pytest.approx(1 / 3)


LONG = pl.concat(
    [
        KNOWS.with_columns(method=pl.lit("knows")),
        pl.from_pandas(SURE).with_columns(method=pl.lit("sure")),
        KNOWS.with_columns(method=pl.lit("again")),
    ]
)


def test_the_methods_of_one_file_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    LONG.write_csv("all.csv")

    comparison = saysel.compare("all.csv", by="method", **FAST)

    assert comparison.reference == "knows"
    assert [one.method for one in comparison.differences] == ["sure", "again"]
    assert comparison.differences == saysel.compare(LONG, by="method", **FAST).differences
    apart = saysel.compare(KNOWS, SURE, KNOWS, names=["knows", "sure", "again"], **FAST)
    assert comparison.differences == apart.differences
    options = ("--by", "method", "--resamples", "200", "--metric", "brier")
    assert str(comparison) in invoke("compare", "all.csv", *options).stdout
    LONG.write_csv("copy.csv")
    both = saysel.compare("all.csv", "copy.csv", by="method", **FAST)
    names = [both.reference, *(one.method for one in both.differences)]
    assert names == [f"{f}.csv: {m}" for f in ("all", "copy") for m in ("knows", "sure", "again")]


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ("all.csv", {"by": "way"}, "--by way: all.csv has no column 'way'; it has id, "),
        ("all.csv", {"by": "method", "where": {"method": "none"}}, "has no such row"),
        ("all.csv", {}, "choose one with --where or compare them with --by"),
    ],
)
def test_methods_that_cannot_be_told_apart(
    given: str,
    options: dict[str, object],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    LONG.write_csv("all.csv")
    with pytest.raises(SayselError, match=message):
        saysel.compare(given, **options, **FAST)


def test_a_run_is_not_split_by_a_column(tiny_run: Path) -> None:
    with pytest.raises(UsageError, match="--by: only for files of predictions"):
        saysel.compare(tiny_run, by="method")
