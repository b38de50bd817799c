from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from saysel.bootstrap import bca, cells, jackknife, percentile, resamples
from saysel.interfaces import Columns

confidences = st.sampled_from([0.0, 0.3, 1.0, float("nan")])
rows = st.lists(st.tuples(confidences, st.sampled_from([0.0, 1.0]), st.integers(1, 2)), max_size=20)


@given(rows)
def test_cells_hold_every_row_once(rows):
    confidence, correct, tokens = np.array(rows, dtype=float).reshape(-1, 3).T
    columns = Columns(correct, confidence, tokens)
    distinct, cell = cells(columns)
    again = distinct.take(cell)
    for name in ("correct", "confidence", "tokens"):
        assert np.array_equal(getattr(again, name), getattr(columns, name), equal_nan=True)
    assert len(distinct) == len({tuple(map(str, row)) for row in rows})
    ordered = distinct.stated().confidence
    assert (np.diff(ordered) >= 0).all()


def test_collapsing_rows_changes_no_draw():
    cell = np.array([0, 0, 1, 2, 2, 2])
    apart = np.vstack(list(resamples(np.arange(6), 50, seed=3)))
    together = np.vstack(list(resamples(cell, 50, seed=3)))
    assert np.array_equal(together, apart @ np.equal.outer(cell, range(3)))
    assert (together.sum(axis=1) == 6).all() and together.shape == (50, 3)
    assert list(resamples(np.array([], dtype=int), 50, seed=3)) == []


def test_many_cells_are_drawn_some_resamples_at_a_time():
    parts = list(resamples(np.arange(60_000), 3, seed=0))
    assert [part.shape for part in parts] == [(1, 60_000)] * 3


def test_the_jackknife_leaves_out_one_question_or_one_group():
    left, times = jackknife(np.array([0, 0, 1]))
    assert left.tolist() == [[1, 1], [2, 0]] and times.tolist() == [2, 1]
    left, times = jackknife(np.arange(1000))
    assert left.shape == (200, 1000) and (left.sum(axis=1) == 995).all()
    assert (left.sum(axis=0) == 199).all() and times.tolist() == [1] * 200


@pytest.mark.parametrize("n", [150, 1000])  # every question left out, or groups of them
def test_bca_agrees_with_scipy(n):
    data = np.random.default_rng(n).lognormal(size=n)
    theirs = bootstrap(
        (data,), np.mean, n_resamples=20_000, method="BCa", rng=1
    ).confidence_interval
    weights = np.vstack(list(resamples(np.arange(n), 20_000, seed=2)))
    left, times = jackknife(np.arange(n))
    ours = bca(data.mean(), weights @ data / n, left @ data / left.sum(axis=1), times)
    plain = percentile(weights @ data / n)
    width = theirs.high - theirs.low
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.05 * width)
    assert ours[1] > plain[1] + 0.01 * width  # a skewed mean: the upper end moves out


def test_intervals_of_what_never_changes():
    same = np.full(100, 0.7)
    assert percentile(same) == (0.7, 0.7)
    assert bca(0.7, same + 1e-16, same[:5], np.ones(5)) == pytest.approx((0.7, 0.7))


def test_there_is_no_correction_where_the_bias_cannot_be_told():
    assert bca(0.0, np.linspace(0.1, 1, 100), np.zeros(5), np.ones(5)) is None


def test_undefined_resamples_are_left_out_until_most_are():
    draws = np.append(np.linspace(0, 1, 60), np.full(40, np.nan))
    assert percentile(draws) == pytest.approx((0.025, 0.975))
    assert bca(0.5, draws, np.array([np.nan, 0.5, 0.5]), np.ones(3)) is not None
    few = np.append(draws, np.full(40, np.nan))
    assert percentile(few) is None and bca(0.5, few, np.zeros(3), np.ones(3)) is None
    assert percentile(np.array([])) is None
