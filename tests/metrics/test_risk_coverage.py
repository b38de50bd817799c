from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from saysel.metrics.risk_coverage import Augrc, Aurc, EAurc, Prr
from saysel.report.figures.curves import risk_coverage

rows = st.lists(
    st.tuples(st.none() | st.integers(0, 3).map(lambda k: k / 3), st.sampled_from([0, 0.5, 1])),
    min_size=1,
    max_size=5,
)


def over_all_orders(confidence, correct, area) -> float:
    """The mean of an area over all orders that rank by confidence."""
    found = []
    for order in permutations(range(len(correct))):
        ranked = [-1 if confidence[i] is None else confidence[i] for i in order]
        if ranked == sorted(ranked, reverse=True):
            found.append(area(np.cumsum([1 - correct[i] for i in order])))
    return float(np.mean(found))


def mean_risk(errors: np.ndarray) -> float:
    return float((errors / np.arange(1, len(errors) + 1)).mean())


def generalised(errors: np.ndarray) -> float:
    return float((errors.sum() - errors[-1] / 2) / len(errors) ** 2)


@settings(max_examples=60)
@given(rows)
def test_ties_are_the_mean_over_all_orders(make_columns, rows):
    confidence, correct = zip(*rows, strict=True)
    columns = make_columns(confidence, correct)
    aurc = over_all_orders(confidence, correct, mean_risk)
    best = over_all_orders(correct, correct, mean_risk)
    assert Aurc().compute(columns) == pytest.approx(aurc)
    assert EAurc().compute(columns) == pytest.approx(aurc - best, abs=1e-12)
    assert Augrc().compute(columns) == pytest.approx(
        over_all_orders(confidence, correct, generalised)
    )
    random = 1 - np.mean(correct)
    if random - best > 1e-9:
        assert Prr().compute(columns) == pytest.approx((random - aurc) / (random - best))


@given(rows)
def test_is_the_area_under_the_curve_that_the_report_draws(make_columns, rows):
    columns = make_columns(*zip(*rows, strict=True))
    _, risk = risk_coverage(columns)
    assert Aurc().compute(columns) == pytest.approx(risk.mean())


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=2, max_size=30))
def test_augrc_is_made_of_auroc_and_accuracy(make_columns, rows):
    confidence, correct = zip(*rows, strict=True)
    a = np.mean(correct)
    if 0 < a < 1:
        expected = (1 - roc_auc_score(correct, confidence)) * a * (1 - a) + (1 - a) ** 2 / 2
        assert Augrc().compute(make_columns(confidence, correct)) == pytest.approx(expected)


def test_values_worked_out_by_hand(make_columns):
    columns = make_columns([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0])
    assert Aurc().compute(columns) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert EAurc().compute(columns) == pytest.approx((1 / 2 + 1 / 3 - 1 / 3) / 4)
    assert Augrc().compute(columns) == pytest.approx((0 + 0.5 + 1 + 1.5) / 16)
    assert Prr().compute(columns) == pytest.approx((2 - 4 / 3) / (2 - 5 / 6))


def test_no_confidence_is_the_least_confidence(make_columns):
    stated, missing = (make_columns([0.5, last], [1, 0]) for last in (0.1, None))
    assert Aurc().compute(missing) == Aurc().compute(stated) == pytest.approx(0.25)


def test_the_worst_ranking_is_below_chance(make_columns):
    assert Prr().compute(make_columns([0.1, 0.9], [1, 0])) == pytest.approx(-1)
