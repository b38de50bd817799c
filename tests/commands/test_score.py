from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from saysel.interfaces import PredictionArrays
from saysel.metrics.accuracy import Accuracy
from saysel.recipes.evaluate import Evaluate
from saysel.scoring import label, score
from tests.support.end_to_end import invoke

#: What a small installation may lack.
ABSENT = ["torch", "transformers", "trl", "peft", "accelerate", "datasets", "sklearn", "pyarrow"]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve predictions; one says nothing of its confidence, and one is not judged."""
    monkeypatch.chdir(tmp_path)
    lines = ["id,question,answer,confidence,correct"]
    lines += [f"q{n},What is {n} + 1?,{n + 1},{n / 10},{int(n > 4)}" for n in range(10)]
    lines += ["q10,What is 10 + 1?,11,,1", "q11,What is 11 + 1?,12,0.5,"]
    Path("mine.csv").write_text("\n".join(lines))
    return Path("mine.csv")


def test_the_table_has_every_metric_with_its_interval(file: Path) -> None:
    result = invoke("score", file)

    assert result.exit_code == 0
    counts, header, *lines, last = result.output.splitlines()
    assert counts == (
        "12 predictions, 1 without a confidence, 1 left out because their correctness is unknown"
    )
    assert header.split() == ["metric", "value", "95", "%", "interval", "better"]
    table = lines[: lines.index("")]
    metrics = Evaluate.model_validate({}).metrics
    assert [line.split()[0] for line in table] == [label(metric) for metric in metrics]
    assert lines[-1] == "! 9.1% of the replies state no confidence"
    accuracy = table[0].split()
    assert accuracy[1] == f"{6 / 11:.3f}"
    assert float(accuracy[2]) < 6 / 11 < float(accuracy[4])
    assert accuracy[5] == "higher"
    assert last == "report: scores/mine/index.html"


def test_the_report_is_the_one_of_a_run(file: Path) -> None:
    invoke("score", file, "--out", "there")

    assert {path.name for path in Path("there").glob("[!.]*")} == {
        *("index.html", "metrics.json", "predictions.csv", "figures"),
        *("scores.csv", "scores.md", "scores.tex"),
    }
    page = Path("there/index.html").read_text()
    assert "mine.csv" in page
    assert "What is 7 + 1?" in page
    assert not Path("scores").exists()


def test_json_is_the_metrics_file(file: Path) -> None:
    result = invoke("score", file, "--json")

    assert not Path("scores").exists()
    content = json.loads(result.output)
    (row,) = content["rows"]
    assert (row["model"], row["estimator"], row["n"]) == ("mine.csv", "confidence", 11)
    invoke("score", file, "--out", "there")
    assert json.loads(Path("there/metrics.json").read_text()) == content


def test_replies_are_read_by_a_format_and_judged(file: Path) -> None:
    rows = [
        {"gold": "Rome", "text": "<answer>Rome</answer><confidence>0.8</confidence>"},
        {"gold": "Oslo", "text": "<answer>Bergen</answer><confidence>0.6</confidence>"},
        {"gold": "Lima", "text": "Lima"},
    ]
    Path("replies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    result = invoke("score", "replies.jsonl", "--format", "tags", "--json")

    (row,) = json.loads(result.output)["rows"]
    assert row["estimator"] == "tags"
    assert row["metrics"]["accuracy"]["value"] == pytest.approx(1 / 3)
    assert row["metrics"]["parse_rate"]["value"] == pytest.approx(2 / 3)
    assert row["metrics"]["brier"]["value"] == pytest.approx((0.2**2 + 0.6**2) / 2)


def test_components_take_options(file: Path) -> None:
    Path("replies.csv").write_text("gold,output\nRome,Answer: Rome Confidence: 80\n")
    arguments = [
        "--format",
        "{use: percent, require_sign: false}",
        "--metric",
        "{use: ece, bins: 15}",
    ]

    result = invoke("score", "replies.csv", *arguments, "--metric", "brier", "--json")

    (row,) = json.loads(result.output)["rows"]
    assert list(row["metrics"]) == ["ece(bins=15)", "brier"]
    assert row["metrics"]["brier"]["value"] == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--column", "confidence"], "--column confidence: write it as ROLE=NAME"),
        (["--column", "gold=answer", "--column", "nothing=x"], "there is no role 'nothing'"),
        (["--format", "tag"], "--format: no format is called 'tag'; did you mean 'tags'?"),
        (["--judge", "nobody"], "--judge: no judge is called 'nobody'"),
        (["--metric", "brier", "--metric", "ecee"], "--metric[1]: no metric is called 'ecee'"),
        (["--metric", "{use: ece, bins: 0}"], "--metric[0].bins: must be greater than or equal"),
        (["--metric", "{"], "--metric: line 1: "),
        (["--scale", "-1"], "--scale must be above 0"),
        (["--judge", "match"], "no column is recognised as 'gold'"),
    ],
)
def test_a_wrong_option_is_reported_in_one_line(
    file: Path, arguments: list[str], told: str
) -> None:
    result = invoke("score", file, *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("scores").exists()


def test_without_any_correctness_there_is_nothing_to_score(file: Path) -> None:
    Path("none.csv").write_text("confidence,correct\n0.5,\n")

    result = invoke("score", "none.csv")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "none.csv: no row says whether its answer is correct: nothing to score\n"
    )


def test_it_works_where_torch_is_not_installed(file: Path) -> None:
    code = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({ABSENT}))\n"  # importing one fails now
        "from saysel.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "score", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("report: scores/mine/index.html\n")


def test_one_prediction_is_scored_too(file: Path) -> None:
    Path("one.csv").write_text("confidence,correct\n0.5,1\n")

    result = invoke("score", "one.csv")

    assert result.exit_code == 0
    assert result.output.startswith("1 prediction, 0 without a confidence\n")


def test_what_a_file_says_never_becomes_markup(file: Path) -> None:
    Path("evil.csv").write_text('question,confidence,correct\n"</script><b id=evil>",0.5,1\n')

    invoke("score", "evil.csv")

    assert "<b id=evil>" not in Path("scores/evil/index.html").read_text()


@pytest.mark.parametrize("columns", [200, 100, 80, 60, 40, 24])
def test_lines_break_between_words_to_fit_the_terminal(
    file: Path, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = invoke("score", file).output
    monkeypatch.setenv("COLUMNS", str(columns))

    result = invoke("score", file)

    *lines, _ = result.output.splitlines()
    longest = max(map(len, result.output.split()))
    assert max(map(len, lines)) <= max(columns, longest + 2)
    assert sorted(result.output.split()) == sorted(whole.split())  # no word is broken
    assert (len(lines) > len(whole.splitlines())) == (columns < 120)


def test_clusters_widen_the_intervals(tmp_path):
    path = tmp_path / "copies.csv"
    lines = [f"q{i % 20},0.{5 + i % 4},{int(i % 20 < 12)}" for i in range(400)]
    path.write_text("\n".join(["id,confidence,correct", *lines]) + "\n")
    refused = invoke("score", path, "--out", tmp_path / "out")
    assert refused.exit_code == 2 and "--cluster id" in refused.output
    result = invoke("score", path, "--cluster", "id", "--json")
    found = json.loads(result.output)["rows"][0]["metrics"]
    (accuracy,) = score(PredictionArrays(np.arange(20) < 12.0, np.full(20, 0.5)), [Accuracy()])
    assert found["accuracy"]["value"] == pytest.approx(0.6)
    assert found["accuracy"]["low"] <= accuracy.low and found["accuracy"]["high"] >= accuracy.high
    assert found["brier"]["high"] - found["brier"]["low"] > 0.1
    shown = invoke("score", path, "--cluster", "id", "--out", tmp_path / "out").output
    assert shown.startswith("400 predictions, 0 without a confidence, 20 clusters\n")


def test_the_noise_in_calibration_errors_is_shown(file):
    output = invoke("score", file).output
    assert "without noise" in output
    below = output.partition("without noise")[2]
    lines = [line.split() for line in below.splitlines()]
    named = {line[0]: line[1:] for line in lines[1:] if len(line) == 4}
    assert {"ece", "mce", "smooth_ece", "brier_reliability", "brier_resolution"} <= set(named)
    assert all(0 <= float(number) <= 1 for numbers in named.values() for number in numbers)
    assert "without noise" not in invoke("score", file, "--metric", "brier").output
