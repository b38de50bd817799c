from __future__ import annotations

import pytest

from saysel.metrics.signed_gap import SignedGap


def test_above_zero_is_overconfident(make_columns):
    assert SignedGap().compute(make_columns([0.9, 0.9], [1, 0])) == pytest.approx(0.4)
    assert SignedGap().compute(make_columns([0.1, 0.3], [1, 0])) == pytest.approx(-0.3)


def test_errors_cancel_as_its_docstring_says(make_columns):
    assert SignedGap().compute(make_columns([1.0, 0.0], [0, 1])) == 0


def test_compares_with_the_accuracy_of_those_with_a_confidence(make_columns):
    assert SignedGap().compute(make_columns([0.5, None], [1, 0])) == -0.5
