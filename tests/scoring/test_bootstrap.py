from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.interfaces import PredictionArrays
from saysel.scoring.bootstrap import (
    MAX_ROWS,
    distinct_rows,
    levels,
    multinomial_resamples,
    percentile_interval,
    question_resamples,
    two_sided_p,
)

confidences = st.sampled_from([0.0, 0.3, 1.0, float("nan")])
rows = st.lists(st.tuples(confidences, st.sampled_from([0.0, 1.0]), st.integers(1, 2)), max_size=20)


@given(rows)
def test_distinct_rows_contain_every_question_once(rows):
    confidence, correct, tokens = np.array(rows, dtype=float).reshape(-1, 3).T
    columns = PredictionArrays(correct, confidence, tokens)
    distinct, row_of = distinct_rows(columns)
    again = distinct.take(row_of)
    for name in ("correct", "confidence", "tokens"):
        assert np.array_equal(getattr(again, name), getattr(columns, name), equal_nan=True)
    assert len(distinct) == len({tuple(map(str, row)) for row in rows})
    ordered = distinct.stated().confidence
    assert (np.diff(ordered) >= 0).all()


def test_distinct_rows_change_no_draw():
    row_of = np.array([0, 0, 1, 2, 2, 2])
    apart = np.vstack(list(question_resamples(np.arange(6), 50, seed=3)))
    together = np.vstack(list(question_resamples(row_of, 50, seed=3)))
    assert np.array_equal(together, apart @ np.equal.outer(row_of, range(3)))
    assert (together.sum(axis=1) == 6).all() and together.shape == (50, 3)
    assert list(question_resamples(np.array([], dtype=int), 50, seed=3)) == []


def test_many_rows_are_drawn_a_few_resamples_at_a_time():
    parts = list(question_resamples(np.arange(60_000), 3, seed=0))
    assert [part.shape for part in parts] == [(1, 60_000)] * 3


def test_multinomial_resamples_are_distributed_like_those_of_questions():
    """Multinomial counts have the mean and the covariance of drawing question by question."""
    row_of = np.array([0] * 50 + [1] * 30 + [2] * 20)
    one = np.vstack(list(question_resamples(row_of, 4000, seed=1)))
    other = np.vstack(list(multinomial_resamples(row_of, 4000, seed=1)))
    assert (other.sum(axis=1) == 100).all()
    assert other.mean(axis=0) == pytest.approx(one.mean(axis=0), abs=0.5)
    assert np.cov(other.T) == pytest.approx(np.cov(one.T), abs=2.5)


def test_a_cluster_is_drawn_whole_or_not_at_all():
    row_of, cluster = np.array([0, 1, 1, 2, 3, 3]), np.array([0, 0, 0, 1, 2, 2])
    drawn = np.vstack(list(question_resamples(row_of, 200, seed=1, cluster=cluster)))
    times = drawn[:, [0, 2]]
    assert np.array_equal(drawn[:, 1], 2 * drawn[:, 0])
    assert (times[:, 0] + times[:, 1] + drawn[:, 3] / 2 == 3).all()
    assert len(np.unique(times[:, 0])) > 2


def test_clusters_of_one_question_each_change_no_draw():
    row_of = np.array([0, 0, 1, 2])
    alone = np.vstack(list(question_resamples(row_of, 50, seed=4, cluster=np.arange(4))))
    assert np.array_equal(alone, np.vstack(list(question_resamples(row_of, 50, seed=4))))


def test_many_rows_are_merged_with_their_neighbours():
    rng = np.random.default_rng(0)
    n = 20_000
    confidence = np.where(rng.random(n) < 0.1, np.nan, rng.random(n))
    columns = PredictionArrays((rng.random(n) < 0.6).astype(float), confidence)
    merged, row_of = distinct_rows(columns)
    assert len(merged) <= MAX_ROWS + 4
    assert np.array_equal(merged.correct[row_of], columns.correct)  # right and wrong stay apart
    assert np.array_equal(np.isnan(merged.confidence[row_of]), np.isnan(confidence))
    assert np.nanmax(abs(merged.confidence[row_of] - confidence)) < 0.01
    assert (np.diff(merged.stated().confidence) >= -0.001).all()


def test_levels_keep_ties_together_and_missing_values_apart():
    values = np.array([0.5, 0.1, np.nan, 0.5, 0.9, 0.5])
    assert levels(values, 9).tolist() == [1, 0, 3, 1, 2, 1]
    coarse = levels(np.append(np.linspace(0, 1, 1000), [np.nan, 0.5, 0.5]), 10)
    assert len(np.unique(coarse[:1000])) == 10 and coarse[1000] == 10
    assert coarse[1001] == coarse[1002] and (np.diff(coarse[:1000]) >= 0).all()


def test_undefined_resamples_are_left_out_unless_most_are():
    draws = np.append(np.linspace(0, 1, 60), np.full(40, np.nan))
    assert percentile_interval(draws) == pytest.approx((0.025, 0.975))
    few = np.append(draws, np.full(40, np.nan))
    assert percentile_interval(few) is None
    assert percentile_interval(np.array([])) is None


@pytest.mark.parametrize("clusters", [4, 8, 30])
def test_the_interval_of_few_clusters_contains_the_truth_about_as_often_as_it_claims(clusters):
    """As one of independent questions it would do so 75, 86 and 93 times in 100."""
    rng = np.random.default_rng(clusters)
    repeats = 400
    values = rng.standard_normal((repeats, clusters))
    drawn = rng.integers(clusters, size=(repeats, 1000, clusters))
    means = np.take_along_axis(values[:, None], drawn, axis=2).mean(axis=2)
    intervals = [percentile_interval(draws, clusters) for draws in means]
    least = 0.88 if clusters < 8 else 0.92
    assert least <= np.mean([a <= 0 <= b for a, b in intervals]) <= 0.98
    tails = [(min((d <= 0).sum(), (d >= 0).sum()) + 1) / 1001 for d in means]
    certain = [two_sided_p(tail, clusters, clusters) < 0.05 for tail in tails]
    assert np.mean(certain) <= 0.08


def test_many_clusters_are_like_independent_questions_and_one_tells_nothing():
    draws = np.linspace(0, 1, 1001)
    assert percentile_interval(draws, 10_000) == pytest.approx((0.025, 0.975), abs=1e-4)
    assert percentile_interval(draws, 1) is None
    assert two_sided_p(0.01, 10_000, 10_000) == pytest.approx(0.02, abs=1e-4)
    assert two_sided_p(0.01, 10_000) == 0.02 and two_sided_p(0.9, 10) == 1
    assert two_sided_p(1e-4, 1) == two_sided_p(1e-4, 1, 1) == 1
    assert two_sided_p(1e-4, 4) == 1 / 8  # four signs agree with this probability


def test_many_resamples_of_few_rows_come_at_a_time_however_many_questions_there_are():
    """A call of each metric per resample would take most of the time for 100,000 questions."""
    row_of = np.arange(150_000) % 7
    (weights,) = question_resamples(row_of, 30, seed=0)
    rng = np.random.default_rng(0)
    drawn = [np.bincount(row_of[rng.integers(150_000, size=150_000)]) for _ in range(30)]
    np.testing.assert_array_equal(weights, drawn)
    assert len(list(question_resamples(row_of, 30, 0, cluster=np.arange(150_000) // 1000))) == 1
