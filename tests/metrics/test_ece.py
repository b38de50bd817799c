from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from saysel.interfaces import Metric
from saysel.metrics.ece import Ece, Mce, RmsCalibrationError


def simple_ece(rows: list[tuple[Fraction, int]], bins: int, edge: str) -> float:
    """The definition, bin by bin, in exact arithmetic."""
    total = Fraction(0)
    for k in range(bins):
        low, high = Fraction(k, bins), Fraction(k + 1, bins)
        if edge == "left":
            inside = [(c, y) for c, y in rows if low <= c < high or (k == bins - 1 and c == 1)]
        else:
            inside = [(c, y) for c, y in rows if low < c <= high or (k == 0 and c == 0)]
        if inside:
            confidence = sum(c for c, _ in inside) / len(inside)
            accuracy = Fraction(sum(y for _, y in inside), len(inside))
            total += Fraction(len(inside), len(rows)) * abs(confidence - accuracy)
    return float(total)


fractions = st.integers(1, 60).flatmap(lambda d: st.integers(0, d).map(lambda k: Fraction(k, d)))


def test_value_worked_out_by_hand(example):
    assert Ece().compute(example) == pytest.approx(1 / 3)


@given(
    rows=st.lists(st.tuples(fractions, st.integers(0, 1)), min_size=1, max_size=30),
    bins=st.integers(1, 20),
    edge=st.sampled_from(["left", "right"]),
)
def test_agrees_with_the_definition_in_exact_arithmetic(make_columns, rows, bins, edge):
    columns = make_columns([float(c) for c, _ in rows], [y for _, y in rows])
    expected = simple_ece(rows, bins, edge)
    assert Ece(bins=bins, edge=edge).compute(columns) == pytest.approx(expected, abs=1e-9)


def test_the_base_rate_scores_zero_and_certain_mistakes_score_one(make_columns):
    assert Ece().compute(make_columns([0.5] * 4, [1, 0, 1, 0])) == 0
    assert Ece().compute(make_columns([1.0, 0.0], [0, 1])) == 1


def test_leaves_out_unstated_confidences(make_columns):
    assert Ece().compute(make_columns([0.75, None], [1, 0])) == 0.25
    assert math.isnan(Ece().compute(make_columns([None], [1])))


def test_refuses_no_bins():
    with pytest.raises(ValidationError):
        Ece(bins=0)


def test_bins_of_equal_mass_worked_out_by_hand(make_columns):
    columns = make_columns([0.1, 0.2, 0.6, 0.9], [1, 0, 0, 1])
    # Gaps -0.9, 0.2 | 0.6, -0.1, of four answers.
    assert Ece(bins=2, binning="mass").compute(columns) == pytest.approx((0.7 + 0.5) / 4)
    assert Mce(bins=2, binning="mass").compute(columns) == pytest.approx(0.35)
    # Three bins of 4/3 answers: the second and the third answer are cut.
    gaps = (abs(-0.9 + 0.2 / 3), abs(0.2 * 2 / 3 + 0.6 * 2 / 3), abs(0.6 / 3 - 0.1))
    assert Ece(bins=3, binning="mass").compute(columns) == pytest.approx(sum(gaps) / 4)


def test_ties_are_divided_between_bins_of_equal_mass(make_columns):
    columns = make_columns([0.5] * 4, [1, 1, 0, 0])
    assert Ece(bins=3, binning="mass").compute(columns) == pytest.approx(0)
    assert Ece(bins=9, binning="mass").compute(columns) == pytest.approx(0)  # more than answers


def test_one_bin_for_each_confidence(make_columns):
    columns = make_columns([0.91, 0.91, 0.99, 0.99], [1, 1, 0, 1])
    expected = (2 * 0.09 + abs(2 * 0.99 - 1)) / 4
    assert Ece(binning="distinct").compute(columns) == pytest.approx(expected)
    assert Ece().compute(columns) < expected  # gaps of one bin cancel


def test_the_worst_bin_counts_however_few_answers_it_contains(make_columns):
    columns = make_columns([0.9] * 9 + [0.1], [1] * 9 + [1])
    assert Mce().compute(columns) == pytest.approx(0.9)
    assert Ece().compute(columns) == pytest.approx(0.18)


def test_root_mean_square_over_bins_of_equal_size(make_columns):
    confidence = [0.2] * 10 + [0.9] * 10
    correct = [1] * 4 + [0] * 6 + [1] * 6 + [0] * 4  # gaps .2 and .3
    columns = make_columns(confidence, correct)
    assert RmsCalibrationError(bin_size=10).compute(columns) == pytest.approx(
        ((0.2**2 + 0.3**2) / 2) ** 0.5
    )
    # In one bin the gaps of opposite sign partly cancel.
    assert RmsCalibrationError(bin_size=100).compute(columns) == pytest.approx(0.05)


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 10), st.integers(0, 1), st.integers(0, 9), st.integers(0, 9)),
        min_size=1,
        max_size=20,
    )
)
def test_the_bins_of_a_resample_are_as_many_as_its_answers_fill(make_columns, rows):
    """Not as many as its rows, each of which stands for several answers."""
    columns = make_columns([c / 10 for c, *_ in rows], [y for _, y, *_ in rows])
    weights = np.array([times for *_, one, other in rows for times in (one, other)], dtype=float)
    weights, metric = weights.reshape(-1, 2).T, RmsCalibrationError(bin_size=5)
    assert metric.resampled(columns, weights) == pytest.approx(
        Metric.resampled(metric, columns, weights), abs=1e-9, nan_ok=True
    )


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 1)), min_size=1, max_size=40))
def test_root_mean_square_is_at_least_the_mean(make_columns, rows):
    columns = make_columns([c / 10 for c, _ in rows], [y for _, y in rows])
    bins = max(1, len(rows) // 5)
    mean = Ece(bins=bins, binning="mass").compute(columns)
    assert RmsCalibrationError(bin_size=5).compute(columns) >= mean - 1e-9
