from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from saysel.interfaces import PredictionArrays
from saysel.metrics.accuracy import Accuracy
from saysel.metrics.parse_rate import ParseRate
from saysel.scoring import score
from saysel.scoring.shares import share_interval


@pytest.mark.parametrize(("right", "n"), [(0, 16), (16, 16), (1, 1), (7, 20), (499, 500)])
def test_it_is_wilsons_interval(right, n):
    values = np.arange(n) < right
    low, high = share_interval(values.astype(float))
    theirs = binomtest(right, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert low <= right / n <= high and high - low > 0.005


def test_none_of_sixteen_is_not_known_to_be_none():
    columns = PredictionArrays(np.zeros(16), np.full(16, np.nan))
    for made in score(columns, [Accuracy(), ParseRate()]):
        assert (made.value, made.low) == (0, 0) and made.high == pytest.approx(0.194, abs=0.001)


def test_grades_count_for_as_much_as_they_vary():
    rng = np.random.default_rng(0)
    low, high = share_interval(rng.choice([0.4, 0.6], size=400))
    half = 1.96 * 0.1 / 20
    assert high - low == pytest.approx(2 * half, rel=0.05)


def test_copies_of_a_question_are_one_question():
    values = np.array([1.0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 1])
    copies, cluster = np.repeat(values, 50), np.repeat(np.arange(12), 50)
    low, high = share_interval(copies, cluster)
    own_low, own_high = share_interval(values)
    assert low <= own_low and high >= own_high  # a little wider, for the few clusters
    assert share_interval(np.zeros(600), cluster)[1] >= share_interval(np.zeros(12))[1]


def test_independent_questions_in_clusters_cost_little():
    rng = np.random.default_rng(0)
    values = (rng.random(4000) < 0.3).astype(float)
    low, high = share_interval(values, np.arange(4000) % 400)
    own_low, own_high = share_interval(values)
    assert own_high - own_low <= high - low < 1.15 * (own_high - own_low)


def test_the_interval_covers_where_clusters_vary_together():
    hits = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        cluster = np.repeat(np.arange(25), 20)
        chance = rng.beta(2, 2, 25)  # the mean is .5
        low, high = share_interval((rng.random(500) < chance[cluster]).astype(float), cluster)
        hits += low <= 0.5 <= high
    assert 0.92 <= hits / 300 <= 0.985


def test_nothing_has_no_interval():
    assert share_interval(np.array([])) is None
