from __future__ import annotations

import json

import pytest

from saysel.records import Score
from saysel.scoring import ScoreTable, metric_info

ECE = Score("ece(bins=15)", 0.25, 0.2, 0.3, 0.24, 0.03, 0.002)
BRIER = Score("brier", 0.2, 0.1, 0.3)
AUROC = Score("auroc", None, None, None)
COUNT = Score("distinct_confidences", 11.0, None, None)
TABLE = ScoreTable((ECE, BRIER, AUROC, COUNT), predictions=1200, missing=3)


def test_scores_are_iterated_and_looked_up():
    assert list(TABLE) == [ECE, BRIER, AUROC, COUNT] and len(TABLE) == 4
    assert TABLE["brier"] is BRIER
    with pytest.raises(KeyError):
        TABLE["nll"]


def test_the_numbers_for_programs():
    numbers = TABLE.to_dict()
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
    assert numbers["brier"] == {"value": 0.2, "low": 0.1, "high": 0.3}
    assert numbers["ece(bins=15)"]["debiased"] == 0.24
    assert numbers["auroc"] == {"value": None, "low": None, "high": None}


def test_the_table_for_a_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert str(TABLE).splitlines() == [
        "1,200 predictions, 3 without a confidence",
        "metric                value  95 % interval   better",
        "ece(bins=15)          0.250  0.200 to 0.300  lower   " + metric_info("ece").meaning,
        "brier                 0.200  0.100 to 0.300  lower   " + metric_info("brier").meaning,
        "auroc                     –                  higher  " + metric_info("auroc").meaning,
        "distinct_confidences     11                          "
        + metric_info("distinct_confidences").meaning,
        "",
        "without noise  debiased  by chance      p",
        "ece(bins=15)      0.240      0.030  0.002",
    ]


def test_the_table_for_a_notebook():
    html = TABLE._repr_html_()
    assert "<caption>1,200 predictions, 3 without a confidence</caption>" in html
    assert html.count("<tr>") == 5 and html.count("<th ") == 8
    assert '<td style="text-align: right">0.200 to 0.300</td>' in html
    assert f'title="{metric_info("brier").meaning}">brier</th>' in html


def test_names_of_metrics_are_escaped():
    html = ScoreTable((Score("<script>", 0.5, 0.4, 0.6),), 1, 0)._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html
