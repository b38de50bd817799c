from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.interfaces import PredictionArrays
from saysel.scoring.bootstrap import (
    MOST_CELLS,
    cell_resamples,
    cells,
    levels,
    percentile,
    resamples,
)

confidences = st.sampled_from([0.0, 0.3, 1.0, float("nan")])
rows = st.lists(st.tuples(confidences, st.sampled_from([0.0, 1.0]), st.integers(1, 2)), max_size=20)


@given(rows)
def test_cells_hold_every_row_once(rows):
    confidence, correct, tokens = np.array(rows, dtype=float).reshape(-1, 3).T
    columns = PredictionArrays(correct, confidence, tokens)
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


def test_cells_are_drawn_as_questions_are():
    """Multinomial counts have the mean and the covariance of drawing question by question."""
    cell = np.array([0] * 50 + [1] * 30 + [2] * 20)
    one = np.vstack(list(resamples(cell, 4000, seed=1)))
    other = np.vstack(list(cell_resamples(cell, 4000, seed=1)))
    assert (other.sum(axis=1) == 100).all()
    assert other.mean(axis=0) == pytest.approx(one.mean(axis=0), abs=0.5)
    assert np.cov(other.T) == pytest.approx(np.cov(one.T), abs=2.5)


def test_a_cluster_is_drawn_whole_or_not_at_all():
    cell, cluster = np.array([0, 1, 1, 2, 3, 3]), np.array([0, 0, 0, 1, 2, 2])
    drawn = np.vstack(list(resamples(cell, 200, seed=1, cluster=cluster)))
    times = drawn[:, [0, 2]]
    assert np.array_equal(drawn[:, 1], 2 * drawn[:, 0])
    assert (times[:, 0] + times[:, 1] + drawn[:, 3] / 2 == 3).all()
    assert len(np.unique(times[:, 0])) > 2


def test_clusters_of_one_question_are_questions():
    cell = np.array([0, 0, 1, 2])
    alone = np.vstack(list(resamples(cell, 50, seed=4, cluster=np.arange(4))))
    assert np.array_equal(alone, np.vstack(list(resamples(cell, 50, seed=4))))


def test_many_cells_are_merged_with_their_neighbours():
    rng = np.random.default_rng(0)
    n = 20_000
    confidence = np.where(rng.random(n) < 0.1, np.nan, rng.random(n))
    columns = PredictionArrays((rng.random(n) < 0.6).astype(float), confidence)
    merged, cell = cells(columns)
    assert len(merged) <= MOST_CELLS + 4
    assert np.array_equal(merged.correct[cell], columns.correct)  # right and wrong stay apart
    assert np.array_equal(np.isnan(merged.confidence[cell]), np.isnan(confidence))
    assert np.nanmax(abs(merged.confidence[cell] - confidence)) < 0.01
    assert (np.diff(merged.stated().confidence) >= -0.001).all()


def test_levels_keep_ties_together_and_missing_values_apart():
    values = np.array([0.5, 0.1, np.nan, 0.5, 0.9, 0.5])
    assert levels(values, 9).tolist() == [1, 0, 3, 1, 2, 1]
    coarse = levels(np.append(np.linspace(0, 1, 1000), [np.nan, 0.5, 0.5]), 10)
    assert len(np.unique(coarse[:1000])) == 10 and coarse[1000] == 10
    assert coarse[1001] == coarse[1002] and (np.diff(coarse[:1000]) >= 0).all()


def test_undefined_resamples_are_left_out_until_most_are():
    draws = np.append(np.linspace(0, 1, 60), np.full(40, np.nan))
    assert percentile(draws) == pytest.approx((0.025, 0.975))
    few = np.append(draws, np.full(40, np.nan))
    assert percentile(few) is None
    assert percentile(np.array([])) is None
