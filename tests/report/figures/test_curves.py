from __future__ import annotations

from unittest.mock import ANY

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.interfaces import PredictionArrays
from saysel.report.figures.curves import Bin, reliability, risk_coverage

rows = st.lists(
    st.tuples(st.none() | st.integers(0, 10).map(lambda k: k / 10), st.integers(0, 1)), max_size=30
)


def made(rows, cluster=None) -> PredictionArrays:
    return PredictionArrays(
        np.array([y for _, y in rows], dtype=float),
        np.array([np.nan if c is None else c for c, _ in rows], dtype=float),
        cluster=cluster,
    )


def test_empty_bins_and_missing_confidences_are_left_out():
    bins = reliability(made([(0.3, 1), (0.3, 0), (1.0, 1), (0.9, 1), (None, 0)]))
    assert bins == [
        Bin(0.3, 0.4, 2, 1, pytest.approx(0.3), ANY, ANY),
        Bin(0.9, 1.0, 2, 2, pytest.approx(0.95), ANY, ANY),
    ]
    assert bins[0].accuracy == 0.5


@given(rows)
def test_bins_contain_every_stated_answer_once(rows):
    bins = reliability(made(rows))
    stated = [(c, y) for c, y in rows if c is not None]
    assert sum(b.n for b in bins) == len(stated)
    assert sum(b.right for b in bins) == sum(y for _, y in stated)
    for b in bins:
        assert 0 <= b.low <= b.accuracy + 1e-9 and b.accuracy - 1e-9 <= b.high <= 1


def test_wilson_interval_of_the_textbook():
    (bin,) = reliability(made([(0.05, 1)] + [(0.05, 0)] * 9))
    assert (bin.low, bin.high) == (
        pytest.approx(0.0179, abs=1e-4),
        pytest.approx(0.4042, abs=1e-4),
    )


def test_questions_of_one_cluster_do_not_narrow_the_interval():
    rows = [(0.55, 1)] * 20 + [(0.55, 0)] * 20
    (alone,) = reliability(made(rows))
    (together,) = reliability(made(rows, cluster=np.repeat(np.arange(4), 10)))
    (single,) = reliability(made(rows, cluster=np.arange(40)))

    assert together.low < alone.low - 0.15 and together.high > alone.high + 0.15
    assert single.low == pytest.approx(alone.low, abs=0.01)


def test_risk_rises_as_less_certain_answers_come_in():
    coverage, risk = risk_coverage(made([(0.2, 0), (0.9, 1), (None, 0), (0.6, 1)]))
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert risk == pytest.approx([0, 0, 1 / 3, 1 / 2])


def test_answers_of_equal_confidence_come_in_random_order():
    _, risk = risk_coverage(made([(0.7, 1), (0.7, 0), (0.7, 1), (0.7, 0)]))
    assert risk == pytest.approx([0.5] * 4)


@given(rows)
def test_all_answered_is_the_error_rate(rows):
    coverage, risk = risk_coverage(made(rows))
    assert len(coverage) == len(risk) == len(rows)
    if rows:
        assert coverage[-1] == 1
        assert risk[-1] == pytest.approx(1 - np.mean([y for _, y in rows]))
