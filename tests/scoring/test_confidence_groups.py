from __future__ import annotations

import numpy as np
import pytest

from saysel.interfaces import PredictionArrays
from saysel.scoring.confidence_groups import bins, by_confidence, design_effects, directions


def test_equal_confidences_are_grouped():
    at = by_confidence(PredictionArrays(np.array([1.0, 0, 1]), np.array([0.5, 0.5, 0.2])))
    assert at.confidence.tolist() == [0.2, 0.5] and at.correct.tolist() == [1, 0.5]
    assert at.n.tolist() == [1, 2] and at.cells is None
    assert design_effects(at).tolist() == [1, 1]


def test_design_effects_by_hand():
    """If all answers of a cluster are alike, clusters of 3 and 1 have a variance of 10, not 4."""
    columns = PredictionArrays([1] * 6, [0.2] * 4 + [0.5] * 2, cluster=[0, 0, 0, 1, 0, 1])
    assert design_effects(by_confidence(columns)).tolist() == [2.5, 1]


@pytest.mark.parametrize("distinct", [False, True])
def test_draws_vary_as_much_as_the_clusters(distinct):
    """Clusters of 10 identical answers: the variance of their number is 10 times as large."""
    confidence = np.full(200, 0.5) + distinct * np.linspace(0, 1e-6, 200)
    columns = PredictionArrays(np.arange(200) // 10 % 2, confidence, cluster=np.arange(200) // 10)
    groups = by_confidence(columns)
    drawn = groups.draw(groups.confidence, 4000, np.random.default_rng(0)).sum(axis=1)
    assert drawn.mean() == pytest.approx(100, abs=1.2)
    assert drawn.var() == pytest.approx(10 * 200 / 4, rel=0.08)
    assert (drawn % 10 == 0).all()


def test_a_confidence_that_fills_several_bins_leaves_none_empty():
    rng = np.random.default_rng(0)
    confidence = np.r_[rng.random(60), np.full(40, 0.5)]
    groups = by_confidence(PredictionArrays(1.0 * (rng.random(100) < confidence**3), confidence))

    assert np.bincount(bins(groups.n)).all()
    weights = [weight for weight, _ in directions(groups, groups.confidence, "calibrated")]
    assert np.isfinite(weights).all() and sum(weights) == pytest.approx(1)
