from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saysel.interfaces import PredictionArrays
from saysel.metrics.brier import Brier
from saysel.metrics.selective import AccuracyAtCoverage, CoverageAtRisk, ThresholdUtility
from saysel.scoring.scores import label, score

#: Ten answers: the four most confident are right, then every other one.
CONFIDENCE = [0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
CORRECT = [1, 1, 1, 1, 0, 1, 0, 1, 0, 0]

rows = st.lists(
    st.tuples(st.none() | st.integers(0, 3).map(lambda k: k / 3), st.sampled_from([0, 0.5, 1])),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize(
    ("coverage", "accuracy"), [(0.4, 1), (0.5, 0.8), (0.45, 4 / 4.5), (1, 0.6), (0.05, 1)]
)
def test_accuracy_of_the_most_confident(make_columns, coverage, accuracy):
    metric = AccuracyAtCoverage(coverage=coverage)
    assert metric.compute(make_columns(CONFIDENCE, CORRECT)) == pytest.approx(accuracy)


@settings(max_examples=60)
@given(rows, st.integers(1, 5))
def test_ties_are_the_mean_over_all_orders(make_columns, rows, accepted):
    confidence = [-1 if c is None else c for c, _ in rows]
    correct = [y for _, y in rows]
    n = len(rows)
    accepted = min(accepted, n)
    means = [
        np.mean([correct[i] for i in order[:accepted]])
        for order in permutations(range(n))
        if [confidence[i] for i in order] == sorted(confidence, reverse=True)
    ]
    columns = make_columns(*zip(*rows, strict=True))
    metric = AccuracyAtCoverage(coverage=accepted / n)
    assert metric.compute(columns) == pytest.approx(np.mean(means))


@pytest.mark.parametrize(
    ("risk", "coverage"), [(0, 0.4), (0.1, 0.4), (0.17, 0.6), (0.25, 0.8), (0.4, 1)]
)
def test_the_largest_fraction_with_few_errors(make_columns, risk, coverage):
    # Among the first 6 answers is one error (.167), among the first 8 are two (.25).
    metric = CoverageAtRisk(risk=risk)
    assert metric.compute(make_columns(CONFIDENCE, CORRECT)) == pytest.approx(coverage)


def test_coverage_with_a_guarantee(make_columns):
    # See tests/scoring/test_risk_control.py: 2 wrong answers of 70 are few enough, 3 are not.
    confidence = [0.9] * 40 + [0.5] * 30 + [0.1] * 30
    few, more = ([1] * (70 - wrong) + [0] * (30 + wrong) for wrong in (2, 3))
    metric = CoverageAtRisk(risk=0.1, delta=0.2)
    assert metric.compute(make_columns(confidence, few)) == 0.7
    assert metric.compute(make_columns(confidence, more)) == 0.4
    assert metric.compute(make_columns(confidence, [0.6] * 68 + [0.4] * 32)) == 0.7
    assert CoverageAtRisk(risk=0.1).compute(make_columns(confidence, more)) == 0.7
    assert label(CoverageAtRisk(use="coverage_at_risk")) == "coverage_at_risk"


def test_a_guarantee_counts_a_cluster_as_one_answer():
    confidence, correct = [0.9] * 40 + [0.5] * 30 + [0.1] * 30, [1] * 68 + [0] * 32
    metric = CoverageAtRisk(use="coverage_at_risk", risk=0.1, delta=0.2)
    rows = np.repeat(np.arange(100), 7)
    alone, repeated, together = (
        PredictionArrays(np.take(correct, rows), np.take(confidence, rows), cluster=cluster)
        for rows, cluster in (
            (np.arange(100), np.arange(100)),
            (rows, rows),
            (rows, np.arange(700) // 70),
        )
    )
    assert metric.compute(alone) == metric.compute(repeated) == 0.7
    assert metric.compute(together) == 0
    one, other = (score(columns, [metric], resamples=200) for columns in (alone, repeated))
    assert list(one) == list(other)


@pytest.mark.parametrize("times", [[1, 1, 1], [3, 0, 1], [0, 2, 2]])
def test_a_cluster_that_is_drawn_twice_is_two(times):
    rng = np.random.default_rng(0)
    cluster, correct = rng.integers(0, 3, 90), rng.random(90) < 0.95
    columns = PredictionArrays(correct, rng.integers(5, 10, 90) / 10, cluster=cluster)
    drawn = [
        (np.flatnonzero(cluster == number), copy)
        for number, repeats in enumerate(times)
        for copy in range(repeats)
    ]
    copies = columns.take(np.concatenate([members for members, _ in drawn]))
    label_of = np.repeat(np.arange(len(drawn)), [len(members) for members, _ in drawn])
    explicit = PredictionArrays(copies.correct, copies.confidence, cluster=label_of)
    metric = CoverageAtRisk(risk=0.6, delta=0.9)

    weights = np.array(times, dtype=float)[None, cluster]
    assert 0 < metric.resampled(columns, weights)[0] == metric.compute(explicit)


def test_answers_of_one_confidence_are_accepted_together(make_columns):
    confidence, correct = [0.9, 0.9, 0.5, 0.5], [1, 1, 1, 0]
    assert CoverageAtRisk(risk=0.2).compute(make_columns(confidence, correct)) == 0.5
    assert CoverageAtRisk(risk=0.25).compute(make_columns(confidence, correct)) == 1


def test_answers_without_a_confidence_are_never_accepted(make_columns):
    columns = make_columns([0.9, None, None, None], [1, 1, 1, 1])
    assert CoverageAtRisk(risk=0.5).compute(columns) == 0.25
    assert CoverageAtRisk(risk=0).compute(make_columns([None], [1])) == 0


@pytest.mark.parametrize(
    ("threshold", "utility"),
    # Above .5: 5 right, 2 wrong (at .7 and at .5 itself) at a loss of 1 each.
    [(0.5, (5 - 2) / 10), (0.8, 4 / 10), (0, 6 / 10), (0.75, 4 / 10), (2 / 3, (4 - 2) / 10)],
)
def test_what_a_user_gains_above_a_threshold(make_columns, threshold, utility):
    metric = ThresholdUtility(threshold=threshold)
    assert metric.compute(make_columns(CONFIDENCE, CORRECT)) == pytest.approx(utility)


def test_the_utility_of_all_thresholds_is_accuracy_minus_the_brier_score(make_columns):
    columns, steps = make_columns(CONFIDENCE, CORRECT), 200
    total = 0.0
    for step in range(steps):
        t = (step + 0.5) / steps
        total += 2 * (1 - t) * ThresholdUtility(threshold=t).compute(columns) / steps
    assert total == pytest.approx(0.6 - Brier().compute(columns), abs=1e-4)


@given(p=st.floats(0, 1), c=st.floats(0, 1), threshold=st.integers(0, 9))
def test_no_statement_gains_more_than_the_honest_one(make_columns, p, c, threshold):
    metric = ThresholdUtility(threshold=threshold / 10)

    def expected(stated: float) -> float:
        right, wrong = (metric.compute(make_columns([stated], [y])) for y in (1, 0))
        return p * right + (1 - p) * wrong

    assert expected(p) >= expected(c) - 1e-9
