from __future__ import annotations

from dataclasses import replace
from math import comb, pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saysel.interfaces import Metric, PredictionArrays
from saysel.metrics.brier import BrierReliability, BrierResolution
from saysel.metrics.ece import Ece, Mce
from saysel.metrics.smooth_ece import SmoothEce
from saysel.scoring.differences import noise
from saysel.scoring.noise import estimate_noise

METRICS = {
    "ece": Ece(),
    "ece(mass)": Ece(binning="mass"),
    "ece(distinct)": Ece(binning="distinct"),
    "mce": Mce(),
    "reliability": BrierReliability(),
    "smooth_ece": SmoothEce(),
}
N = 300


def forecaster(seed: int, gap: float, n: int = N, tenths: bool = True) -> PredictionArrays:
    """Confidences that are too high by the gap."""
    rng = np.random.default_rng(seed)
    confidence = rng.beta(3, 1.5, n)
    if tenths:
        confidence = confidence.round(1)
    right = rng.random(n) < np.clip(confidence - gap, 0, 1)
    return PredictionArrays(right.astype(float), confidence)


def truth(metric: Metric, gap: float, tenths: bool = True) -> float:
    confidence = forecaster(99, gap, 200_000, tenths).confidence
    return metric.compute(PredictionArrays(np.clip(confidence - gap, 0, 1), confidence))


@pytest.mark.slow
@pytest.mark.parametrize(("gap", "tenths"), [(0.0, True), (0.055, True), (0.25, False)])
def test_the_interval_covers_the_true_value(gap, tenths):
    metrics = {name: METRICS[name] for name in METRICS if tenths or name != "ece(distinct)"}
    true = {name: truth(metric, gap, tenths) for name, metric in metrics.items()}
    hits = dict.fromkeys(metrics, 0)
    for seed in range(60):
        columns = forecaster(seed, gap, tenths=tenths)
        found = estimate_noise(list(metrics.values()), columns, draws=200, seed=seed)
        for (name, metric), made in zip(metrics.items(), found, strict=True):
            assert made.low <= metric.compute(columns) <= made.high
            assert 0 <= made.debiased <= made.high
            hits[name] += made.low - 1e-9 <= true[name] <= made.high + 1e-9
    assert min(hits.values()) >= 52, hits  # 57 expected; 2.5 standard errors


def test_debiasing_takes_the_noise_away():
    values, debiased, chance = [], [], []
    for seed in range(150):
        columns = forecaster(seed, 0.08)
        (made,) = estimate_noise([Ece()], columns, draws=200, seed=seed)
        values.append(Ece().compute(columns))
        debiased.append(made.debiased)
        chance.append(made.by_chance)
    true = truth(Ece(), 0.08)
    assert np.mean(values) - true > 0.008
    assert abs(np.mean(debiased) - true) < 0.006
    assert 0.03 < np.mean(chance) < 0.07


def test_the_p_of_a_calibrated_forecaster_is_uniform():
    p = [
        estimate_noise([Ece()], forecaster(seed, 0.0), draws=100, seed=seed)[0].p
        for seed in range(200)
    ]
    assert 0.4 < np.mean(p) < 0.6 and np.mean(np.array(p) < 0.1) < 0.18
    assert estimate_noise([Ece()], forecaster(0, 0.2))[0].p < 0.01


def test_confidence_that_says_nothing_has_no_resolution():
    rng = np.random.default_rng(0)
    hits = 0
    for seed in range(60):
        confidence = rng.beta(3, 1.5, N).round(1)
        columns = PredictionArrays((rng.random(N) < 0.6).astype(float), confidence)
        (made,) = estimate_noise([BrierResolution()], columns, draws=200, seed=seed)
        hits += made.low == 0
    assert hits >= 52
    knows = forecaster(1, 0.0, 2000)
    (made,) = estimate_noise([BrierResolution()], knows)
    assert made.low > 0.01 and made.p < 0.01


def test_clusters_make_the_null_as_noisy_as_they_are():
    """Calibrated, but all answers of a cluster share their luck."""
    alarms = {True: 0, False: 0}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        cluster = np.repeat(np.arange(60), 20)
        confidence = rng.choice([0.3, 0.6, 0.9], 1200)
        luck = rng.random(60)[cluster]
        shared = np.where(rng.random(1200) < 0.6, luck, rng.random(1200))
        right = (shared < confidence).astype(float)
        for clusters in alarms:
            columns = PredictionArrays(right, confidence, None, cluster if clusters else None)
            (made,) = estimate_noise([Ece()], columns, draws=200, seed=seed)
            alarms[clusters] += made.low > 0
    assert alarms[True] <= 7 and alarms[False] >= 20


def identical_outcomes(seed: int, distinct: bool) -> PredictionArrays:
    """Calibrated, but all ten answers of a cluster are right or all are wrong."""
    rng = np.random.default_rng(seed)
    chance = rng.integers(1, 10, 40) / 10
    right = np.repeat(rng.random(40) < chance, 10).astype(float)
    confidence = np.repeat(chance, 10) + distinct * rng.uniform(0, 1e-4, 400)
    return PredictionArrays(right, confidence, cluster=np.repeat(np.arange(40), 10))


@pytest.mark.parametrize("distinct", [False, True])
def test_clusters_count_whether_confidences_are_equal_or_distinct(distinct):
    chances = [
        estimate_noise([Ece()], identical_outcomes(1000 + seed, distinct), draws=60, seed=seed)[0]
        for seed in range(30)
    ]
    assert sum(chance.p < 0.05 for chance in chances) <= 4  # of 30; 5 % would be 1.5
    assert sum(chance.low < 0.001 for chance in chances) >= 26


@pytest.mark.parametrize("spread", [0.0, 1e-4])
def test_identical_answers_add_the_noise_of_one(spread):
    """At confidences near .5, ECE is the gap of a share of 40 clusters, E|Bin(40, .5)/40 - .5|."""
    expected = sum(comb(40, k) * abs(k / 40 - 0.5) for k in range(41)) / 2**40
    rng = np.random.default_rng(3)
    confidence = 0.5 + spread * rng.uniform(-1, 1, 400)
    columns = PredictionArrays(np.arange(400) // 10 % 2, confidence, cluster=np.arange(400) // 10)
    ece = Ece(bins=1)
    (chance,) = estimate_noise([ece], columns)
    assert chance.by_chance == pytest.approx(expected, rel=0.1)
    assert noise(ece, columns, seed=0) == pytest.approx(expected, rel=0.25)  # 100 draws


def test_clusters_of_one_answer_change_nothing():
    columns = forecaster(0, 0.1, 100)
    single = replace(columns, cluster=np.arange(100))
    metrics = [Ece(), BrierReliability(), BrierResolution()]
    assert estimate_noise(metrics, single, 50) == estimate_noise(metrics, columns, 50)
    assert noise(Ece(), single, 0) == noise(Ece(), columns, 0)


def test_grades_vary_less_than_right_and_wrong():
    """Ten grades of .4, .5 and .6 each: a gap of .1 is 7 standard errors of .015 (sd .082)."""
    columns = PredictionArrays([0.4, 0.5, 0.6] * 10, [0.6] * 30)
    (chance,) = estimate_noise([Ece()], columns)
    assert chance.p < 0.01 and 0.06 < chance.low < 0.08 and 0.12 < chance.high < 0.14
    deviation = sqrt(0.02 / 3 * 30 / 29)  # at .5; at .6 smaller by sqrt(.24 / .25)
    expected = sqrt(2 / pi) * deviation * sqrt(0.24 / 0.25) / sqrt(30)
    assert chance.by_chance == pytest.approx(expected, rel=0.1)
    assert noise(Ece(), columns, seed=0) == pytest.approx(expected, rel=0.25)


def test_grades_that_do_not_vary_have_no_noise():
    (chance,) = estimate_noise([Ece()], PredictionArrays([0.5] * 25, [0.6] * 25))
    assert (chance.low, chance.high, chance.by_chance) == pytest.approx((0.1, 0.1, 0))


def test_a_value_that_is_all_noise_has_no_interval():
    """A bin for each of 5,000 confidences: the value is that of mean |c - y|."""
    columns = forecaster(0, 0.0, 5000, tenths=False)
    distinct, ece = estimate_noise([Ece(binning="distinct"), Ece()], columns)
    assert distinct is None and ece is not None


def test_undefined_metrics_have_no_estimate():
    nothing = PredictionArrays(np.array([1.0]), np.array([np.nan]))
    assert estimate_noise(list(METRICS.values()), nothing) == [None] * len(METRICS)


def test_the_noise_of_a_single_question_or_cluster_is_unknown():
    cluster = replace(forecaster(0, 0.0, 100), cluster=["one"] * 100)
    for columns in (cluster, forecaster(0, 0.0, 1)):
        assert estimate_noise(list(METRICS.values()), columns) == [None] * len(METRICS)


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.none() | st.floats(0, 1), st.floats(0, 1) | st.integers(0, 1)), max_size=30
    ),
    grouped=st.booleans(),
)
def test_every_interval_contains_its_value(rows, grouped):
    confidence = np.array([np.nan if c is None else c for c, _ in rows])
    cluster = np.arange(len(rows)) // 3 if grouped else None
    columns = PredictionArrays(
        np.array([y for _, y in rows], dtype=float), confidence, None, cluster
    )
    metrics = [*METRICS.values(), BrierResolution()]
    for metric, made in zip(metrics, estimate_noise(metrics, columns, draws=20), strict=True):
        value = metric.compute(columns)
        stated = columns.stated()
        single = len(stated if cluster is None else np.unique(stated.cluster)) == 1
        assert (made is None) == (np.isnan(value) or single)
        if made is not None:
            assert 0 <= made.low <= value <= made.high
            assert 0 < made.p <= 1 and made.by_chance >= 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=2, max_size=30))
def test_an_interval_contains_0_if_its_test_does_not_reject_0(rows):
    columns = PredictionArrays(
        np.array([float(right) for _, right in rows]), np.array([k / 10 for k, _ in rows])
    )
    for chance in estimate_noise([*METRICS.values(), BrierResolution()], columns):
        assert chance is None or chance.p <= 0.05 or chance.low == pytest.approx(0)
