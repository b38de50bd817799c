from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from saysel.records import Prediction
from saysel.storage import Shards
from tests.support.end_to_end import invoke


def write(path: Path, confidences: list[float | None], first: int = 0) -> Path:
    """A file of predictions, every third one wrong."""
    shards = Shards(path.parent / f".{path.name}", Prediction)
    predictions = [
        Prediction(f"q{first + i}", "text", "a", None, c, float(i % 3 != 0))
        for i, c in enumerate(confidences)
    ]
    shards.write(0, predictions)
    shards.path(0).rename(path)
    return path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Predictions that always say 1, and some that know."""
    sure = write(tmp_path / "sure.parquet", [1.0] * 90)
    knows = write(tmp_path / "knows.parquet", [0.1 if i % 3 == 0 else 0.9 for i in range(90)])
    return sure, knows


def test_files_are_compared(files, tmp_path):
    result = invoke("compare", *files, "--out", tmp_path / "out", "--resamples", 2000)
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[:4] == [
        "90 questions are shared",
        "",
        "before: sure.parquet",
        "after:  knows.parquet",
    ]
    head = ("metric", "before", "after", "difference", "95 % interval", "in favour", "p (Holm)")
    assert lines[4].split() == " ".join(head).split()
    brier = next(line for line in lines if line.startswith("brier "))
    assert "0.333" in brier and "−0.323" in brier and brier.endswith("✓ better")
    assert lines[-1] == f"page: {tmp_path / 'out' / 'index.html'}"
    rows = list(csv.DictReader((tmp_path / "out" / "comparison.csv").read_text().splitlines()))
    found = {row["metric"]: row for row in rows}
    assert {row["reference"] for row in rows} == {"sure.parquet"}
    assert float(found["brier"]["before"]) == pytest.approx(1 / 3)
    assert float(found["brier"]["favour"]) == 1
    assert found["distinct_confidences"]["p"] == "" and found["brier"]["questions"] == "90"


def test_the_page_is_whole_and_asks_for_nothing(files, tmp_path):
    bad = files[0].rename(tmp_path / "<img src=x onerror=alert(1)>.parquet")
    metrics = ("--metric", "brier", "--metric", "{use: ece, bins: 5}")
    invoke("compare", bad, files[1], "--out", tmp_path, "--resamples", 100, *metrics)
    html = (tmp_path / "index.html").read_text()
    opened: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert tag not in ("img", "script")
            assert not any(name in ("src", "href") and v != "data:," for name, v in attrs)
            if tag not in ("meta", "link"):
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Reader().feed(html)
    assert not opened and "ECE (bins=5)" in html and "&lt;img src=x" in html


def test_different_questions_are_refused(files, tmp_path):
    other = write(tmp_path / "other.parquet", [0.5] * 90, first=45)
    result = invoke("compare", files[0], other, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "45 are shared; add --intersect" in result.stderr and not (tmp_path / "out").exists()
    arguments = ("--intersect", "--out", tmp_path / "out", "--resamples", "100")
    result = invoke("compare", files[0], other, *arguments)
    told = "45 questions are shared (sure.parquet has 90, other.parquet has 90)"
    assert result.exit_code == 0 and result.output.splitlines()[0] == told


def test_tables_made_elsewhere_are_compared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, texts in (("a", "xyz"), ("b", "xyz"), ("c", "xyw")):
        rows = [f"{i},{text},0.{i}5,{i % 2}" for i, text in enumerate(texts)]
        Path(f"{name}.csv").write_text("\n".join(["id,question,confidence,correct", *rows]))
    options = ("--resamples", "100", "--metric", "brier")
    result = invoke("compare", "a.csv", "b.csv", *options)
    assert result.exit_code == 0 and result.output.startswith("3 questions are shared\n")
    result = invoke("compare", "a.csv", "c.csv", *options)  # one id with two texts
    assert result.exit_code == 2 and "and 2 are shared" in result.stderr
    assert "order" not in result.stderr
    Path("rows.csv").write_text("confidence,correct\n0.5,1\n0.6,0\n0.7,1\n")
    result = invoke("compare", "a.csv", "rows.csv", *options)
    told = "rows.csv: no column is recognised as 'id': its rows are paired by their order"
    assert told in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere", "nowhere"), "nowhere: no such file of predictions, and no run directory"),
        (("broken.parquet", "broken.parquet"), "broken.parquet"),
        (("other.parquet", "other.parquet"), "other.parquet"),
        (("ok.parquet",), "there is nothing to compare: ok.parquet only"),
        (("ok.parquet", "ok.parquet"), "two methods have the same name"),
        (("ok.parquet", "--metric", "brierr"), "no metric is called 'brierr'"),
    ],
)
def test_trouble_is_one_line(tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    Path("broken.parquet").write_text("no")
    pq.write_table(pa.table({"x": [1]}), "other.parquet")
    write(Path("ok.parquet"), [0.5] * 3)
    result = invoke("compare", *arguments)
    assert result.exit_code == 2 and told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_rows_of_a_run_are_compared_with_its_first(tiny_run, tmp_path):
    result = invoke("compare", tiny_run, "--out", tmp_path, "--resamples", 100)
    assert result.exit_code == 0, result.output
    pairs = [line for line in result.output.splitlines() if line.startswith(("before:", "after:"))]
    assert pairs == [
        "before: base · verbalized",
        "after:  base · self_consistency",
        "before: base · verbalized",
        "after:  sft · verbalized",
        "before: base · verbalized",
        "after:  ppo · verbalized",
    ]


def test_rows_of_runs_can_be_named(tiny_run, tmp_path):
    options = ("--out", tmp_path, "--resamples", "100", "--metric", "brier")
    result = invoke("compare", f"{tiny_run}:base:self_consistency", tiny_run, *options)
    assert result.exit_code == 0, result.output
    assert (
        "before: tiny · base · self_consistency\nafter:  tiny · ppo · verbalized" in result.output
    )
    result = invoke("compare", f"{tiny_run}:sft", f"{tiny_run}:dpo", *options)
    assert result.exit_code == 2
    assert "has no row 'dpo'; there are base:verbalized, base:self_consistency" in result.stderr


def test_a_run_without_predictions_says_so(tiny_copy, tmp_path):
    (place,) = tiny_copy.glob("stages/evaluate-ppo-*")
    (place / "done.json").unlink()
    result = invoke("compare", tiny_copy, "--out", tmp_path)
    assert result.exit_code == 2
    assert result.stderr.endswith("evaluate-ppo-verbalized is not done: run the recipe first\n")


def test_torch_is_not_loaded(files, tmp_path):
    code = (
        "import sys\nfrom saysel.cli import cli\n"
        "cli(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'torch', 'transformers', 'sklearn'} & set(sys.modules)\n"
    )
    arguments = ["compare", *map(str, files), "--out", str(tmp_path), "--resamples", "100"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


REPLIES = [
    {"id": n, "gold": "Rome", "text": f"Answer: {'Rome' if n % 3 else 'Oslo'} Confidence: {n % 10}"}
    for n in range(30)
]


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """Files of one name in two folders, which `compare` can only read with options."""
    monkeypatch.chdir(tmp_path)
    for folder, name in (("x/a", "p_true"), ("x/b", "prob_true")):
        Path(folder).mkdir(parents=True)
        rows = [f"{n},{n * 3},{int(n > 15)}" for n in range(30)]
        Path(folder, "percent.csv").write_text("\n".join([f"id,{name},correct", *rows]))
        text = "".join(json.dumps(row) + "\n" for row in REPLIES)
        Path(folder, "replies.jsonl").write_text(text)
    return tmp_path


FAST = ("--resamples", "100", "--metric", "brier")


def test_files_of_one_name_are_told_apart_by_folder(folders):
    arguments = ("x/a/replies.jsonl", "x/b/replies.jsonl", "--format", "sayself", *FAST)

    result = invoke("compare", *arguments)

    assert result.exit_code == 0, result.output
    assert "before: a/replies.jsonl\nafter:  b/replies.jsonl\n" in result.output
    Path("y").mkdir()
    Path("x/a").rename("y/b")
    result = invoke(
        "compare", "x/b/replies.jsonl", "y/b/replies.jsonl", "--format", "sayself", *FAST
    )
    assert "before: x/b/replies.jsonl\nafter:  y/b/replies.jsonl\n" in result.output
    monkey = invoke("compare", "x/b/replies.jsonl", "x/b/../b/replies.jsonl", *arguments[2:])
    assert monkey.exit_code == 2 and "have the same name" in monkey.stderr


def test_runs_of_one_name_are_told_apart_by_folder(tiny_run, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tiny").symlink_to(tiny_run)
    copies = [tmp_path / folder / "tiny" for folder in ("a", "b")]

    result = invoke("compare", *copies, "--out", tmp_path / "out", *FAST)

    assert result.exit_code == 2 and "have the same name" in result.stderr  # links to one run
    for copy in copies:
        copy.unlink()
        shutil.copytree(tiny_run, copy)
    result = invoke("compare", *copies, "--out", tmp_path / "out", *FAST)
    assert result.exit_code == 0, result.output
    assert "before: a/tiny · ppo · verbalized\nafter:  b/tiny · ppo · verbalized" in result.output


def test_it_takes_the_options_that_its_advice_names(folders):
    files = ("x/a/percent.csv", "x/b/percent.csv")
    result = invoke("compare", *files, *FAST)
    assert result.exit_code == 2 and "name it with --column confidence=NAME" in result.stderr
    named = ("--column", "confidence=p_true", "--column", "confidence=prob_true")
    result = invoke("compare", *files, *named, *FAST)
    assert result.exit_code == 2 and "use --scale 100" in result.stderr
    result = invoke("compare", *files, *named, "--scale", "100", *FAST)
    assert result.exit_code == 0, result.output
    result = invoke("compare", "x/a/replies.jsonl", "x/b/replies.jsonl", *FAST)
    assert result.exit_code == 2 and "with --format" in result.stderr
    judged = ("--format", "sayself", "--judge", "token_f1", "--column", "output=text")
    result = invoke("compare", "x/a/replies.jsonl", "x/b/replies.jsonl", *judged, *FAST)
    assert result.exit_code == 0, result.output


def test_options_for_files_are_refused_where_there_are_none(tiny_run, tmp_path):
    options = ("--scale", "100", "--cluster", "topic")
    result = invoke("compare", tiny_run, *options, "--out", tmp_path)

    assert result.exit_code == 2
    assert result.stderr == (
        "--cluster, --scale: only for files of predictions, and no file is compared: leave it out\n"
    )
