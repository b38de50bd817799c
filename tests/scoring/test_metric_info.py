from __future__ import annotations

from saysel.scoring import metric_info


def test_a_score_is_described_by_its_metric():
    ece = metric_info("ece(bins=15)")
    assert (ece.name, ece.better, ece.arrow) == ("ECE (bins=15)", "lower", "↓")
    assert ece.meaning.startswith("Expected calibration error")
    assert metric_info("accuracy").direction == "higher is better"
    assert metric_info("distinct_confidences").direction == "descriptive only"
    assert metric_info("distinct_confidences").counts and not metric_info("accuracy").counts


def test_an_unknown_metric_has_neither_direction_nor_meaning():
    unknown = metric_info("from_elsewhere")
    assert (unknown.name, unknown.better, unknown.meaning) == ("From elsewhere", "neither", "")
