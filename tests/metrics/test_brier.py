from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from saysel.metrics.brier import Brier, BrierReliability, BrierResolution, BrierUncertainty


def test_value_worked_out_by_hand(example):
    assert Brier().compute(example) == pytest.approx(0.1725)


def test_agrees_with_scikit_learn(example):
    assert Brier().compute(example) == pytest.approx(
        brier_score_loss(example.correct, example.confidence)
    )


def test_leaves_out_unstated_confidences(make_columns):
    assert Brier().compute(make_columns([0.5, None], [1, 1])) == 0.25
    assert math.isnan(Brier().compute(make_columns([None], [1])))


def test_honesty_pays(make_columns):
    correct = [1] * 6 + [0] * 4
    honest, sure = (Brier().compute(make_columns([c] * 10, correct)) for c in (0.6, 1.0))
    assert honest == pytest.approx(0.24) and honest < sure


confidences = st.none() | st.floats(0, 1) | st.integers(0, 10).map(lambda k: k / 10)


@given(st.lists(st.tuples(confidences, st.floats(0, 1) | st.integers(0, 1)), max_size=30))
def test_the_parts_add_up_if_bins_contain_one_confidence(make_columns, rows):
    columns = make_columns([c for c, _ in rows], [y for _, y in rows])
    parts = (
        BrierReliability(binning="distinct").compute(columns)
        - BrierResolution(binning="distinct").compute(columns)
        + BrierUncertainty().compute(columns)
    )
    assert parts == pytest.approx(Brier().compute(columns), abs=1e-9, nan_ok=True)


def test_parts_worked_out_by_hand(make_columns):
    # 0.0 to 0.1: one of two right at 0.05; 0.9 to 1.0: both right at 0.95; half are in each.
    columns = make_columns([0.05, 0.05, 0.9, 1.0], [1, 0, 1, 1])
    assert BrierReliability().compute(columns) == pytest.approx((0.45**2 + 0.05**2) / 2)
    assert BrierResolution().compute(columns) == pytest.approx(0.25**2)
    assert BrierUncertainty().compute(columns) == pytest.approx(0.75 * 0.25)


@pytest.mark.parametrize("n", [1, 3, 7, 10, 49])
def test_equal_grades_have_no_uncertainty(make_columns, n):
    for percent in range(101):
        uncertainty = BrierUncertainty().compute(make_columns([0.5] * n, [percent / 100] * n))
        assert uncertainty >= 0 and uncertainty == pytest.approx(0, abs=1e-12)


def test_resolution_has_no_direction(make_columns):
    correct = [1, 1, 0, 0]
    for confidence in ([0.9, 0.9, 0.1, 0.1], [0.1, 0.1, 0.9, 0.9]):
        assert BrierResolution().compute(make_columns(confidence, correct)) == pytest.approx(0.25)
