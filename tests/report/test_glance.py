from __future__ import annotations

from dataclasses import replace

import pytest

from saysel.records import Score
from saysel.report import Row
from saysel.report.glance import compared, entry, headlines
from saysel.scoring import Difference, MetricInfo, metric_info


def row(model: str, *scores: Score, estimator: str = "verbalized") -> Row:
    return Row("", model, estimator, "heldout", (), scores, 10)


CERTAIN = Difference("sft", "m", "lower", 0.3, 0.1, -0.2, -0.25, -0.15, 1.0, 0.001, 0.002)


@pytest.mark.parametrize(
    ("better", "made", "change", "difference"),
    [
        ("lower", CERTAIN, "better", "−0.200"),
        ("higher", replace(CERTAIN, better="higher"), "worse", "−0.200"),
        ("lower", replace(CERTAIN, p_holm=0.06), "unclear", "−0.200"),
        ("lower", replace(CERTAIN, difference=-0.0001), "unclear", "0.000"),
        ("neither", CERTAIN, "", ""),
        ("lower", None, "", ""),
    ],
)
def test_a_change_is_marked_by_the_paired_test(better, made, change, difference):
    now = entry(row("sft", Score("m", 0.1, 0.05, 0.15)), MetricInfo("m", "M", better, ""), made)
    assert (now.outcome, now.difference) == (change, difference)
    assert (now.value, now.interval) == ("0.100", "0.050 – 0.150")


def test_an_undefined_score_is_empty():
    empty = entry(row("sft", Score("m", None, None, None)), MetricInfo("m", "M", "higher", ""))
    assert (empty.value, empty.interval, empty.outcome) == ("", "", "")
    assert entry(row("sft"), MetricInfo("m", "M", "higher", "")).value == ""


def test_models_are_compared_under_the_first_estimator_and_with_the_ideal_observer():
    rows = [row("base"), row("base", estimator="sc"), row("ppo"), row("ideal", estimator="ideal")]
    assert [(r.model, r.estimator) for r in compared(rows)] == [
        ("base", "verbalized"),
        ("ppo", "verbalized"),
        ("ideal", "ideal"),
    ]


def test_without_training_the_estimators_are_compared():
    rows = [row("base"), row("base", estimator="sc")]
    assert compared(rows) == rows
    limit = replace(rows[0], model="ideal")
    assert compared([limit]) == [limit] and compared([]) == []


def test_headlines():
    assert headlines(["accuracy", "nll", "ece"]) == ["ece", "accuracy"]
    assert headlines(["a", "b", "c", "d", "e"]) == ["a", "b", "c", "d"]


def test_counts_are_shown_whole():
    distinct = metric_info("distinct_confidences")
    shown = entry(row("sft", Score("distinct_confidences", 1.0, 1.0, 1.0)), distinct)
    assert (shown.value, shown.interval) == ("1", "1 – 1")
