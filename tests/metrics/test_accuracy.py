from __future__ import annotations

import math

import pytest

from saysel.metrics.accuracy import Accuracy


def test_counts_every_row_whether_its_confidence_is_stated_or_not(make_columns):
    assert Accuracy().compute(make_columns([0.9, None, None, 0.1], [1, 1, 1, 0])) == 0.75


def test_averages_graded_correctness(make_columns):
    assert Accuracy().compute(make_columns([0.5, 0.5], [0.25, 1.0])) == pytest.approx(0.625)


def test_is_not_defined_without_questions(make_columns):
    assert math.isnan(Accuracy().compute(make_columns([], [])))
