from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.interfaces import PredictionArrays
from saysel.scoring.resampling import MAX_PRODUCT_LEVELS, Levels, ratio, stated


@given(
    key=st.lists(st.integers(0, 50).map(float), max_size=80),
    ascending=st.booleans(),
    seed=st.integers(0, 99),
)
def test_levels_add_up_equal_keys(key, ascending, seed):
    """Whichever way is taken: sorted or not, few levels or many, each of one row or more."""
    keys = np.array(sorted(key) if ascending else key)
    values = np.random.default_rng(seed).integers(0, 9, (2, len(keys))).astype(float)
    levels = Levels(keys)
    assert levels.keys.tolist() == sorted(set(key))
    expected = [[row[keys == k].sum() for k in sorted(set(key))] for row in values]
    assert levels.sums(values) == pytest.approx(np.array(expected).reshape(2, -1))


def test_keys_are_equal_only_if_exactly_so():
    tiny = np.array([1e-30, 2e-30, 1e-30])
    assert Levels(tiny).keys.tolist() == [1e-30, 2e-30]
    many = np.repeat(np.arange(MAX_PRODUCT_LEVELS + 5.0), 2)
    assert Levels(many).sums(np.ones((1, len(many)))).tolist() == [[2.0] * (MAX_PRODUCT_LEVELS + 5)]


def test_rows_without_a_confidence_leave_with_their_weights():
    columns = PredictionArrays(np.array([1.0, 0.0]), np.array([np.nan, 0.5]))
    kept, weights = stated(columns, np.array([[3.0, 4.0]]))
    assert kept.correct.tolist() == [0.0] and weights.tolist() == [[4.0]]
    same, weights = stated(kept, weights)
    assert same is kept


def test_nothing_over_nothing_is_not_defined():
    assert np.isnan(ratio(0.0, 0)) and np.isnan(ratio(np.ones(1), np.zeros(1)))[0]
    assert ratio(np.array([[1.0], [6.0]]), np.array([[2.0], [3.0]])).tolist() == [[0.5], [2.0]]
