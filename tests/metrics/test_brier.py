from __future__ import annotations

import math

import pytest
from sklearn.metrics import brier_score_loss

from saysel.metrics.brier import Brier


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
