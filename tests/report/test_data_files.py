from __future__ import annotations

import csv
import io
import json

from saysel.records import Score
from saysel.report import Row, ordered
from saysel.report.alarms import with_alarms
from saysel.report.data_files import metrics_json, predictions_csv, scores_csv


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
                "declined": 0,
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


def test_undefined_scores_are_null_and_empty_fields():
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


def test_used_missing_and_alarms_are_written(make_report):
    (row,) = with_alarms([make_report.row("base", "verbalized", confident=True)])
    (written,) = json.loads(metrics_json("r", [row]))["rows"]
    assert (written["n"], written["used"], written["missing"]) == (60, 57, 3)
    assert written["alarms"] == ["all stated confidences are the same"]
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


def test_the_ideal_observer_is_last_in_its_cell(make_report):
    rows = [make_report.row(m, "v", n=3, cell=c) for c in ("a", "b") for m in ("ideal", "base")]
    assert [(r.cell, r.model) for r in ordered(rows)] == [
        ("a", "base"),
        ("a", "ideal"),
        ("b", "base"),
        ("b", "ideal"),
    ]
