from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from saysel.records import Score
from saysel.report import Row, ordered
from saysel.report.tables import (
    compact,
    console_table,
    metrics_json,
    plain_table,
    predictions_csv,
    scores_csv,
)


def test_metrics_json_is_the_documented_schema(make_report):
    ece = Score("ece", 0.25, 0.2, 0.3, 0.24, 0.03, 0.002)
    brier = Score("brier", 0.2, 0.1, 0.3)
    row = Row("", "base", "verbalized", "heldout", (), (ece, brier), 1000)
    assert json.loads(metrics_json("quickstart", [row])) == {
        "schema": 1,
        "run": "quickstart",
        "rows": [
            {
                "cell": "",
                "model": "base",
                "estimator": "verbalized",
                "split": "heldout",
                "n": 1000,
                "used": 1000,
                "missing": 0,
                "alarms": [],
                "metrics": {
                    "ece": {
                        "value": 0.25,
                        "low": 0.2,
                        "high": 0.3,
                        "debiased": 0.24,
                        "by_chance": 0.03,
                        "p": 0.002,
                    },
                    "brier": {"value": 0.2, "low": 0.1, "high": 0.3},
                },
            }
        ],
    }


def test_what_is_not_defined_is_null_and_an_empty_field():
    scores = (Score("auroc", None, None, None), Score("nll", float("inf"), 1.0, float("nan")))
    row = Row("", "base", "verbalized", "heldout", (), scores, 1)
    metrics = json.loads(metrics_json("r", [row]))["rows"][0]["metrics"]
    empty = dict.fromkeys(("value", "low", "high"))
    assert metrics["auroc"] == empty
    assert metrics["nll"] == {**empty, "low": 1.0}
    assert scores_csv([row]).splitlines()[1:] == [
        ",base,verbalized,heldout,1,1,0,auroc,,,,,,",
        ",base,verbalized,heldout,1,1,0,nll,,1.0,,,,",
    ]


def test_used_missing_and_alarms_are_told(make_report):
    row = make_report.row("base", "verbalized", confident=True)
    (told,) = json.loads(metrics_json("r", [row]))["rows"]
    assert (told["n"], told["used"], told["missing"]) == (60, 57, 3)
    assert told["alarms"] == ["the same confidence is stated every time"]
    assert scores_csv([row]).splitlines()[1].startswith(",base,verbalized,heldout,60,57,3,ece,")


def test_predictions_csv_has_one_line_per_question_and_row(make_report, hostile_report):
    for report in (make_report(), hostile_report):
        lines = list(csv.DictReader(io.StringIO(predictions_csv(report.rows, report.questions))))
        predictions = [(row, p) for row in report.rows for p in row.predictions]
        assert len(lines) == len(predictions)
        for line, (row, p) in zip(lines, predictions, strict=True):
            assert (line["model"], line["question_id"]) == (row.model, p.question_id)
            question = report.questions[row.cell][p.question_id]
            assert line["prompt"] == question.prompt
            assert json.loads(line["answers"]) == list(question.answers)
            assert line["answer"] == (p.answer or "") and line["rationale"] == (p.rationale or "")
            assert line["confidence"] == ("" if p.confidence is None else str(p.confidence))


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (Score("ece", 0.3124, 0.29, 0.332), ".312 (.290–.332)"),
        (Score("accuracy", 1.0, 1.0, 1.0), "1.000 (1.000–1.000)"),
        (Score("gap", -0.25, -0.3, -0.2), "-.250 (-.300 to -.200)"),
        (Score("auroc", 0.5, None, None), ".500"),
        (Score("auroc", None, None, None), "–"),
        (Score("distinct_confidences", 11.0, None, None), "11"),
        (Score("distinct_confidences", 1.0, None, None), "1"),
        (Score("gap", -0.0001, -0.25, 0.25), ".000 (-.250 to .250)"),
        (Score("tokens", 71.2, 70.2, 72.2), "71.2 (70.2–72.2)"),
    ],
)
def test_a_score_in_few_characters(score, text):
    assert compact(score) == text


def test_the_table_fits_and_ends_with_the_limit(make_report):
    rows = make_report().rows
    console = Console(width=100, file=io.StringIO())
    console.print(console_table(rows))
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 1 + len(rows)
    assert lines[0].split() == ["model", "estimator", "ece", "auroc", "brier", "accuracy"]
    assert lines[-1].startswith("ideal  the limit")
    assert [line.split()[:2] for line in lines[1:3]] == [
        ["base", "verbalized"],
        ["base", "self_consistency"],
    ]


def test_plain_text_says_the_same_and_shows_cells_where_there_are_any(make_report):
    rows = [make_report.row("base", "verbalized", cell="seed=1")]
    head, line = plain_table(rows).splitlines()
    assert head.split()[:3] == ["cell", "model", "estimator"]
    assert line.split()[:3] == ["seed=1", "base", "verbalized"]
    assert plain_table([]).split() == ["model", "estimator"]


def test_markup_in_names_is_shown_not_obeyed(make_report):
    console = Console(width=120, file=io.StringIO())
    console.print(console_table([make_report.row("[red]x[/red]", "e", n=5)]))
    assert "[red]x[/red]" in console.file.getvalue()


def test_the_limit_stands_last_in_its_cell(make_report):
    rows = [make_report.row(m, "v", n=3, cell=c) for c in ("a", "b") for m in ("ideal", "base")]
    assert [(r.cell, r.model) for r in ordered(rows)] == [
        ("a", "base"),
        ("a", "ideal"),
        ("b", "base"),
        ("b", "ideal"),
    ]


def test_seconds_are_a_column_where_anything_was_timed(make_report):
    rows = [
        replace(make_report.row("base", "verbalized", n=3), seconds=0.012345),
        replace(make_report.row("base", "self_consistency", n=3), seconds=123.4),
        make_report.row("ideal", "ideal", n=3),
    ]
    head, *lines = plain_table(rows).splitlines()
    assert head.split()[-1] == "seconds"
    assert [line.split()[-1] for line in lines] == ["0.0123", "123", "–"]
    assert "seconds" not in plain_table(rows[2:])
    # Two runs of one recipe agree on these.
    assert "seconds" not in metrics_json("r", rows) + scores_csv(rows)


def test_many_metrics_are_lines(make_report):
    scores = tuple(Score(f"m{k}", 0.5, 0.4, 0.6) for k in range(9))
    rows = [
        replace(make_report.row(model, "verbalized"), scores=scores) for model in ("base", "ideal")
    ]
    head, *lines = plain_table(rows).splitlines()
    assert head.split() == ["metric", "base", "verbalized", "ideal", "the", "limit"]
    assert lines[0].split() == ["questions", "60", "60"]
    assert lines[1].split() == ["without", "confidence", "3", "3"]
    assert lines[2].split() == ["m0", *(".500", "(.400–.600)") * 2] and len(lines) == 11
    console = Console(width=100, file=io.StringIO())
    console.print(console_table(rows))
    assert len(console.file.getvalue().splitlines()) == 12
