from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from saysel.interfaces import PredictionArrays
from saysel.scoring.variation import Variation, estimate_variation


def test_independent_right_and_wrong_answers_need_no_estimate():
    assert estimate_variation(PredictionArrays([1, 0, 1], [0.9, 0.4, 0.1])) == Variation(1, 0)
    assert estimate_variation(PredictionArrays([], [])) == Variation(1, 0)


@pytest.mark.parametrize(
    ("answers", "correlation"),
    [
        ([1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0], 1 / 3),  # pairs: four alike, two not
        ([1, 1, 0, 0, 1, 0, 0, 1], 0),
        ([1, 1, 0, 0], 1),
        ([1, 0, 1, 0], 0),  # it is -1, but clusters never reduce the noise
        ([1, 1, 1, 1], 1),  # unknown
    ],
)
def test_correlation_of_pairs_by_hand(answers, correlation):
    """Residuals of .5 and -.5."""
    n = len(answers)
    columns = PredictionArrays(answers, [0.5] * n, cluster=np.arange(n) // 2)
    assert estimate_variation(columns).shared ** 2 == pytest.approx(correlation)


def test_correlation_does_not_hide_in_opposite_confidences():
    """Of two answers to a question one is right: copies of one answer agree, the two do not."""
    first = np.arange(40) % 2
    right = np.repeat(np.column_stack([first, 1 - first]), 5, axis=1).ravel()
    confidence = np.tile(np.repeat([0.4, 0.6], 5), 40)
    columns = PredictionArrays(right, confidence, cluster=np.arange(400) // 10)
    assert estimate_variation(columns).shared == pytest.approx(1)


@pytest.mark.parametrize("true", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("distinct", [False, True])
def test_the_estimate_recovers_the_correlation_of_draws(true, distinct):
    rng = np.random.default_rng(0)
    cluster = np.arange(4000) // 4
    confidence = rng.integers(1, 10, 4000) / 10 + distinct * rng.uniform(0, 1e-4, 4000)
    (drawn,) = Variation(shared=sqrt(true)).draw(confidence, cluster, 1, rng)
    made = estimate_variation(PredictionArrays(drawn, confidence, cluster=cluster))
    assert made.scale == 1 and made.shared**2 == pytest.approx(true, abs=0.1)


def test_draws_have_the_stated_mean_variance_and_correlation():
    variation, p = Variation(scale=0.5, shared=0.6), np.full(3, 0.3)
    drawn = variation.draw(p, np.array([0, 0, 1]), 40_000, np.random.default_rng(0))
    assert drawn.mean(axis=0) == pytest.approx(p, abs=0.005)
    assert drawn.var(axis=0) == pytest.approx(0.25 * 0.3 * 0.7, rel=0.03)
    within, between = np.corrcoef(drawn.T)[0, 1:]
    assert within == pytest.approx(0.36, abs=0.02) and between == pytest.approx(0, abs=0.02)


def test_the_scale_of_grades_by_hand():
    """The variance of .4 and .6 is .01, with 19 of 20 degrees of freedom; of 0 and 1, .25."""
    columns = PredictionArrays([0.4, 0.6] * 10, [0.7] * 20)
    assert estimate_variation(columns).scale == pytest.approx(sqrt(0.01 / 0.25 * 20 / 19))
    pairs = PredictionArrays(np.repeat(columns.correct, 2), [0.7] * 40, cluster=np.arange(40) // 2)
    made = estimate_variation(pairs)
    assert made.scale == pytest.approx(sqrt(0.01 / 0.25 * 20 / 19))
    assert made.shared == pytest.approx(1)
