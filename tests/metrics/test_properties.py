"""What holds for every metric that comes with saysel."""

from __future__ import annotations

import importlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.builtins import saysel_metrics
from saysel.interfaces import Metric


def load(target: str) -> Metric:
    module, name = target.split(":")
    return getattr(importlib.import_module(module), name)()


METRICS = {name: load(target) for name, target in saysel_metrics().items()}
#: Value of a forecaster that says 1 when right and 0 when wrong, in both classes.
PERFECT = {"auroc": 1, "brier": 0, "ece": 0, "sayself_mae": 0, "parse_rate": 1}

confidences = st.none() | st.floats(0, 1) | st.integers(0, 10).map(lambda k: k / 10)
rows = st.lists(st.tuples(confidences, st.floats(0, 1) | st.integers(0, 1)), max_size=30)


def test_all_of_them_are_here():
    assert len(METRICS) >= 7 and set(PERFECT) < set(METRICS)


@pytest.mark.parametrize("name", METRICS)
@given(rows=rows, seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_questions_does_not_matter(make_columns, name, rows, seed):
    columns = make_columns([c for c, _ in rows], [y for _, y in rows])
    order = np.random.default_rng(seed).permutation(len(columns))
    value = METRICS[name].compute(columns)
    shuffled = METRICS[name].compute(columns.take(order))
    assert shuffled == pytest.approx(value, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", METRICS)
@given(rows=rows)
def test_values_keep_their_range(make_columns, name, rows):
    columns = make_columns([c for c, _ in rows], [y for _, y in rows])
    value = METRICS[name].compute(columns)
    top = len(rows) if name == "distinct_confidences" else 1
    assert math.isnan(value) or -1e-9 <= value <= top + 1e-9


@pytest.mark.parametrize("name", PERFECT)
@given(correct=st.lists(st.integers(0, 1), min_size=1, max_size=20))
def test_a_perfect_forecaster(make_columns, name, correct):
    correct = [0, 1, *correct]
    assert METRICS[name].compute(make_columns(correct, correct)) == pytest.approx(PERFECT[name])


@given(c=st.floats(0, 1), correct=st.lists(st.integers(0, 1), min_size=1, max_size=20))
def test_a_constant_forecaster(make_columns, c, correct):
    columns = make_columns([c] * len(correct), correct)
    rate = sum(correct) / len(correct)
    assert METRICS["ece"].compute(columns) == pytest.approx(abs(c - rate), abs=1e-9)
    assert METRICS["brier"].compute(columns) == pytest.approx((c - rate) ** 2 + rate * (1 - rate))
    assert METRICS["distinct_confidences"].compute(columns) == 1
    if 0 < rate < 1:
        assert METRICS["auroc"].compute(columns) == 0.5


@pytest.mark.parametrize("name", METRICS)
def test_one_question(make_columns, name):
    value = METRICS[name].compute(make_columns([0.8], [1]))
    assert math.isnan(value) if name == "auroc" else math.isfinite(value)


@pytest.mark.parametrize("name", METRICS)
def test_says_what_it_is(name):
    text = type(METRICS[name]).__doc__ or ""
    for word in ("Formula:", "Range", "Source:", "Can't see:", "Missing confidences:"):
        assert word in text
