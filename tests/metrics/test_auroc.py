from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from saysel.metrics.auroc import Auprc, Auroc

tenths = st.integers(0, 10).map(lambda k: k / 10)
rows = st.lists(st.tuples(tenths, st.integers(0, 1)), min_size=2, max_size=40)


@given(rows)
def test_agrees_with_scikit_learn_with_ties(make_columns, rows):
    confidence, correct = zip(*rows, strict=True)
    assume(len(set(correct)) == 2)
    value = Auroc().compute(make_columns(confidence, correct))
    assert value == pytest.approx(roc_auc_score(correct, confidence))


@given(rows)
def test_does_not_see_increasing_transforms_and_turns_with_decreasing_ones(make_columns, rows):
    confidence, correct = np.array(rows).T
    assume(len(set(correct)) == 2)
    value = Auroc().compute(make_columns(confidence, correct))
    assert Auroc().compute(make_columns(confidence**3 / 2, correct)) == value
    assert Auroc().compute(make_columns(1 - confidence, correct)) == pytest.approx(1 - value)


def test_ties_count_half(make_columns):
    assert Auroc().compute(make_columns([0.5, 0.5, 0.9], [1, 0, 1])) == 0.75
    assert Auroc().compute(make_columns([0.7] * 5, [1, 0, 1, 0, 1])) == 0.5


def test_grades_from_one_half_up_are_right(make_columns):
    assert Auroc().compute(make_columns([0.9, 0.1], [0.5, 0.49])) == 1


@pytest.mark.parametrize("correct", [[1, 1], [0, 0]])
def test_is_not_defined_with_one_class(make_columns, correct):
    assert math.isnan(Auroc().compute(make_columns([0.2, 0.8], correct)))


def test_leaves_out_unstated_confidences(make_columns):
    assert Auroc().compute(make_columns([0.9, 0.1, None], [1, 0, 0])) == 1
    assert math.isnan(Auroc().compute(make_columns([0.9, None], [1, 0])))


@given(rows)
def test_average_precision_agrees_with_scikit_learn_with_ties(make_columns, rows):
    confidence, correct = zip(*rows, strict=True)
    assume(any(correct))
    value = Auprc().compute(make_columns(confidence, correct))
    assert value == pytest.approx(average_precision_score(correct, confidence))


def test_average_precision_is_not_defined_without_correct_answers(make_columns):
    assert math.isnan(Auprc().compute(make_columns([0.5, 0.6, None], [0, 0, 1])))
    assert Auprc().compute(make_columns([0.5, 0.6], [1, 1])) == 1
