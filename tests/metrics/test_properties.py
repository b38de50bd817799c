"""What holds for every metric that comes with saysel."""

from __future__ import annotations

import importlib
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saysel.interfaces import Metric
from saysel.registry.builtins import saysel_metrics


def load(target: str) -> Metric:
    module, name = target.split(":")
    return getattr(importlib.import_module(module), name)()


METRICS = {name: load(target) for name, target in saysel_metrics().items()}
#: Value of a forecaster that says 1 when right and 0 when wrong, in both classes.
PERFECT = {
    **{"auroc": 1, "auprc": 1, "prr": 1, "parse_rate": 1, "eaurc": 0, "brier": 0, "ece": 0},
    **{
        "mce": 0,
        "rms_calibration_error": 0,
        "brier_reliability": 0,
        "smooth_ece": 0,
        "mean_overconfidence": 0,
        "sayself_mae": 0,
    },
}
#: Lowest and highest values; 0 and 1 where not given.
RANGE = {
    "augrc": (0, 0.5),
    "brier_resolution": (0, 0.25),
    "brier_uncertainty": (0, 0.25),
    "distinct_confidences": (0, 30),
    "nll": (0, -math.log(0.001)),
    "prr": (-math.inf, 1),
    "threshold_utility": (-1, 1),
    "mean_overconfidence": (-1, 1),
    "tokens": (0, math.inf),
    "truthfulness": (-1, 1),
}
#: Not defined for one question, or where the tokens were not counted.
UNDEFINED = {"auroc", "prr", "tokens"}

confidences = st.none() | st.floats(0, 1) | st.integers(0, 10).map(lambda k: k / 10)
rows = st.lists(st.tuples(confidences, st.floats(0, 1) | st.integers(0, 1)), max_size=30)


def test_all_of_them_are_here():
    assert len(METRICS) >= 20 and set(PERFECT) < set(METRICS) and set(RANGE) < set(METRICS)


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
    low, high = RANGE.get(name, (0, 1))
    assert math.isnan(value) or low - 1e-9 <= value <= high + 1e-9


@pytest.mark.parametrize("name", PERFECT)
@given(correct=st.lists(st.integers(0, 1), min_size=1, max_size=20))
def test_a_perfect_forecaster(make_columns, name, correct):
    correct = [0, 1, *correct]
    assert METRICS[name].compute(make_columns(correct, correct)) == pytest.approx(PERFECT[name])


@given(c=st.floats(0, 1), correct=st.lists(st.integers(0, 1), min_size=1, max_size=20))
def test_a_constant_forecaster(make_columns, c, correct):
    columns = make_columns([c] * len(correct), correct)
    rate = sum(correct) / len(correct)
    for name in ("ece", "mce", "rms_calibration_error"):
        assert METRICS[name].compute(columns) == pytest.approx(abs(c - rate), abs=1e-9)
    assert METRICS["smooth_ece"].compute(columns) == pytest.approx(abs(c - rate), abs=0.002)
    assert METRICS["mean_overconfidence"].compute(columns) == pytest.approx(c - rate, abs=1e-9)
    assert METRICS["brier_reliability"].compute(columns) == pytest.approx((c - rate) ** 2)
    assert METRICS["brier_resolution"].compute(columns) == pytest.approx(0, abs=1e-9)
    assert METRICS["aurc"].compute(columns) == pytest.approx(1 - rate)
    assert METRICS["brier"].compute(columns) == pytest.approx((c - rate) ** 2 + rate * (1 - rate))
    assert METRICS["distinct_confidences"].compute(columns) == 1
    if 0 < rate < 1:
        assert METRICS["auroc"].compute(columns) == 0.5
        assert METRICS["auprc"].compute(columns) == pytest.approx(rate)
        assert METRICS["prr"].compute(columns) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=30)
@given(rows=rows, tokens=st.booleans(), declined=st.booleans(), seed=st.integers(0, 2**32 - 1))
def test_resamples_are_what_compute_says_of_the_rows_drawn(
    make_columns, name, rows, tokens, declined, seed
):
    columns = make_columns([c for c, _ in rows], [y for _, y in rows])
    n, rng = len(columns), np.random.default_rng(seed)
    if tokens:
        columns = replace(columns, tokens=rng.integers(1, 9, n).astype(float))
    if declined:
        columns = replace(columns, declined=rng.random(n) < 0.3)
    weights = rng.integers(0, 3, (3, n)).astype(float)
    found = METRICS[name].resampled(columns, weights)
    assert found.shape == (3,)
    assert found == pytest.approx(
        Metric.resampled(METRICS[name], columns, weights), abs=1e-9, nan_ok=True
    )


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("correct", [0, 1])
def test_one_class_only(make_columns, name, correct):
    value = METRICS[name].compute(make_columns([0.0, 0.25, 0.25, 1.0], [correct] * 4))
    undefined = UNDEFINED | ({"auprc"} if correct == 0 else set())
    assert math.isnan(value) if name in undefined else math.isfinite(value)


@pytest.mark.parametrize("name", sorted(set(METRICS) - {"tokens", "coverage"}))
def test_missing_confidences_have_the_effect_in_the_docstring(make_columns, name):
    """Ignored ones do not change the value, others do."""
    confidence, correct = [0.9, 0.4, 0.6, None, None], [1, 0, 1, 0, 1]
    value = METRICS[name].compute(make_columns(confidence, correct))
    without = METRICS[name].compute(make_columns(confidence[:3], correct[:3]))
    text = " ".join((type(METRICS[name]).__doc__ or "").split())
    left_out = "Missing confidences: ignored" in text
    assert (value == pytest.approx(without, nan_ok=True)) == left_out


#: How a declined reply counts: not at all, or as what its correctness says.
LEAVE_DECLINED_OUT = {"accuracy_when_answered", "parse_rate"}


@pytest.mark.parametrize("name", sorted(set(METRICS) - {"tokens"}))
def test_declined_replies_count_as_documented(make_columns, name):
    """Metrics of confidence leave them out; others count them as replies that are not correct."""
    confidence, correct = [0.9, 0.8, 0.6, 0.4, 0.5, None], [1, 1, 0, 1, 0, 0]
    six = replace(make_columns(confidence, correct), declined=[0, 0, 0, 0, 1, 1])
    value = METRICS[name].compute(six)
    without = METRICS[name].compute(make_columns(confidence[:4], correct[:4]))
    text = " ".join((type(METRICS[name]).__doc__ or "").split())
    ignored = "Missing confidences: ignored" in text and "Declined replies: utility 0" not in text
    left_out = ignored or name in LEAVE_DECLINED_OUT
    assert (value == pytest.approx(without, nan_ok=True)) == left_out


BINNED = ("ece", "mce", "brier_reliability", "brier_resolution")
SETTINGS = [
    {"bins": bins, "binning": binning, "edge": edge}
    for bins in (1, 7)
    for binning, edge in (("width", "right"), ("mass", "left"), ("distinct", "left"))
]


@pytest.mark.parametrize("name", BINNED)
@pytest.mark.parametrize("options", SETTINGS, ids=lambda o: "-".join(map(str, o.values())))
@settings(max_examples=25)
@given(rows=rows, seed=st.integers(0, 2**32 - 1))
def test_every_binning_keeps_to_order_range_and_resamples(make_columns, name, options, rows, seed):
    metric = type(METRICS[name])(**options)
    columns = make_columns([c for c, _ in rows], [y for _, y in rows])
    rng = np.random.default_rng(seed)
    value = metric.compute(columns)
    assert math.isnan(value) or -1e-9 <= value <= 1 + 1e-9
    shuffled = metric.compute(columns.take(rng.permutation(len(columns))))
    assert shuffled == pytest.approx(value, abs=1e-9, nan_ok=True)
    weights = rng.integers(0, 3, (3, len(columns))).astype(float)
    assert metric.resampled(columns, weights) == pytest.approx(
        Metric.resampled(metric, columns, weights), abs=1e-9, nan_ok=True
    )


RANKING = (
    *("auroc", "auprc", "aurc", "eaurc", "augrc", "prr", "accuracy_at_coverage"),
    "coverage_at_risk",
)


@pytest.mark.parametrize("name", RANKING)
@given(
    rows=st.lists(
        st.tuples(st.none() | st.integers(0, 20).map(lambda k: k / 20), st.integers(0, 1)),
        max_size=30,
    )
)
def test_rankings_are_invariant_to_increasing_transforms(make_columns, name, rows):
    confidence, correct = [c for c, _ in rows], [y for _, y in rows]
    bent = [None if c is None else c**3 / 2 for c in confidence]
    value = METRICS[name].compute(make_columns(confidence, correct))
    assert METRICS[name].compute(make_columns(bent, correct)) == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("name", ["brier", "nll"])
@given(p=st.floats(0.001, 0.999), c=st.floats(0, 1))
def test_proper_scores_are_best_for_honest_confidence(make_columns, name, p, c):
    """The expectation over y is p * score(c, 1) + (1 - p) * score(c, 0)."""

    def expected(stated: float) -> float:
        right, wrong = (METRICS[name].compute(make_columns([stated], [y])) for y in (1, 0))
        return p * right + (1 - p) * wrong

    assert expected(p) <= expected(c) + 1e-12


@pytest.mark.parametrize("name", METRICS)
def test_one_question(make_columns, name):
    value = METRICS[name].compute(make_columns([0.8], [1]))
    assert math.isnan(value) if name in UNDEFINED else math.isfinite(value)


@pytest.mark.parametrize("name", METRICS)
def test_the_docstring_has_every_part(name):
    text = type(METRICS[name]).__doc__ or ""
    for word in ("Formula:", "Range", "Source:", "Blind to:", "Missing confidences:"):
        assert word in text
