from __future__ import annotations

import math

import pytest

from saysel.metrics.sayself_mae import SaySelfMae


def test_value_worked_out_by_hand(example):
    assert SaySelfMae().compute(example) == pytest.approx(2 / 6)


def test_is_not_proper_as_its_docstring_says(make_columns):
    correct = [1] * 6 + [0] * 4
    assert SaySelfMae().compute(make_columns([1.0] * 10, correct)) == pytest.approx(0.40)
    assert SaySelfMae().compute(make_columns([0.6] * 10, correct)) == pytest.approx(0.48)


def test_leaves_out_unstated_confidences(make_columns):
    assert SaySelfMae().compute(make_columns([0.25, None], [1, 1])) == 0.75
    assert math.isnan(SaySelfMae().compute(make_columns([None], [1])))
