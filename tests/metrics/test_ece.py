from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from saysel.metrics.ece import Ece, bin_of


def simple_ece(rows: list[tuple[Fraction, int]], bins: int) -> float:
    """The definition, bin by bin, in exact arithmetic."""
    total = Fraction(0)
    for k in range(bins):
        low, high = Fraction(k, bins), Fraction(k + 1, bins)
        inside = [(c, y) for c, y in rows if low <= c < high or (k == bins - 1 and c == 1)]
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
)
def test_agrees_with_the_definition_in_exact_arithmetic(make_columns, rows, bins):
    columns = make_columns([float(c) for c, _ in rows], [y for _, y in rows])
    assert Ece(bins=bins).compute(columns) == pytest.approx(simple_ece(rows, bins), abs=1e-9)


@pytest.mark.parametrize("bins", [10, 15, 20])
@pytest.mark.parametrize("parts", [10, 15, 20])
def test_bin_edges_open_their_bin_however_they_were_computed(bins, parts):
    for k in range(parts + 1):
        expected = min(k * bins // parts, bins - 1)
        ways = [k / parts, k * (1 / parts), sum([1 / parts] * k), 1 - (parts - k) / parts]
        ways += [np.nextafter(k / parts, 0), np.nextafter(k / parts, 1)]
        assert bin_of(np.clip(ways, 0, 1), bins).tolist() == [expected] * len(ways)


def test_the_edges_that_binary_fractions_miss():
    assert 0.29 * 100 < 29 and 0.1 + 0.2 > 0.3  # why rounding down alone is wrong
    assert bin_of(np.array([0.29, 0.57, 0.58]), 100).tolist() == [29, 57, 58]
    assert bin_of(np.array([0.1 + 0.2, 0.3, 0.29999999999999998, 0.2999]), 10).tolist() == [
        3,
        3,
        3,
        2,
    ]


def test_the_last_bin_is_closed_and_the_others_open():
    assert bin_of(np.array([0.0, 0.1, 0.9, 1.0]), 10).tolist() == [0, 1, 9, 9]


def test_the_base_rate_scores_zero_and_certain_mistakes_score_one(make_columns):
    assert Ece().compute(make_columns([0.5] * 4, [1, 0, 1, 0])) == 0
    assert Ece().compute(make_columns([1.0, 0.0], [0, 1])) == 1


def test_leaves_out_unstated_confidences(make_columns):
    assert Ece().compute(make_columns([0.75, None], [1, 0])) == 0.25
    assert math.isnan(Ece().compute(make_columns([None], [1])))


def test_refuses_no_bins():
    with pytest.raises(ValidationError):
        Ece(bins=0)
