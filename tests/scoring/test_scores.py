from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from saysel.errors import DataError
from saysel.interfaces import Metric, PredictionArrays
from saysel.metrics.accuracy import Accuracy
from saysel.metrics.auroc import Auroc
from saysel.metrics.brier import Brier
from saysel.metrics.ece import Ece
from saysel.metrics.parse_rate import ParseRate
from saysel.metrics.tokens import Tokens
from saysel.records import Prediction, Question
from saysel.registry import build
from saysel.registry.builtins import saysel_metrics
from saysel.scoring import clusters_of, label, score, to_arrays
from saysel.scoring.bootstrap import percentile_interval
from saysel.scoring.scores import _bootstrap


def prediction(confidence: float | None, correct: float | None) -> Prediction:
    return Prediction("q", "text", "answer", None, confidence, correct)


def drawn(n: int, rate: float, seed: int = 1) -> PredictionArrays:
    rng = np.random.default_rng(seed)
    return PredictionArrays((rng.random(n) < rate).astype(float), rng.integers(0, 11, n) / 10)


def test_unjudged_predictions_are_left_out_and_missing_confidences_kept():
    made = to_arrays([prediction(0.5, 1.0), prediction(0.9, None), prediction(None, 0.0)])
    assert made.correct.tolist() == [1.0, 0.0]
    assert made.confidence[0] == 0.5 and np.isnan(made.confidence[1])


def test_nothing_to_score():
    scores = score(to_arrays([]), [Accuracy(use="accuracy"), Auroc(use="auroc")])
    assert [(s.metric, s.value, s.low, s.high) for s in scores] == [
        ("accuracy", None, None, None),
        ("auroc", None, None, None),
    ]
    assert list(score(drawn(5, 0.5), [])) == []


def test_the_interval_of_a_mean_is_that_of_the_normal_approximation():
    (accuracy,) = score(drawn(1000, 0.7), [Accuracy()], resamples=4000)
    half = 1.96 * np.sqrt(accuracy.value * (1 - accuracy.value) / 1000)
    assert accuracy.value - accuracy.low == pytest.approx(half, rel=0.08)
    assert accuracy.high - accuracy.value == pytest.approx(half, rel=0.08)


def test_the_interval_covers_the_truth_about_as_often_as_it_claims():
    hits = 0
    for seed in range(200):
        (accuracy,) = score(drawn(200, 0.7, seed), [Accuracy()], resamples=200, seed=seed)
        hits += accuracy.low <= 0.7 <= accuracy.high
    assert 0.88 <= hits / 200 <= 0.99


def test_the_seed_decides_and_metrics_share_their_resamples():
    data = drawn(50, 0.6)
    both = score(data, [Accuracy(), Brier()], resamples=50, seed=3)
    assert both == score(data, [Accuracy(), Brier()], resamples=50, seed=3)
    assert list(both)[1:] == list(score(data, [Brier()], resamples=50, seed=3))
    assert both != score(data, [Accuracy(), Brier()], resamples=50, seed=4)


def test_an_undefined_value_has_no_interval():
    (auroc,) = score(PredictionArrays(np.ones(9), np.linspace(0, 1, 9)), [Auroc()])
    assert (auroc.value, auroc.low, auroc.high) == (None, None, None)


def test_resamples_where_a_metric_is_undefined_are_left_out():
    # One wrong answer of thirty: about 36 % of the resamples miss it.
    correct = np.ones(30)
    correct[3] = 0
    (auroc,) = score(PredictionArrays(correct, np.linspace(0, 1, 30)), [Auroc()], resamples=300)
    assert auroc.low < auroc.value == 26 / 29 < auroc.high


def test_no_interval_where_most_resamples_are_undefined():
    # Both classes are among the stated rows of 43 % of the resamples.
    data = PredictionArrays(np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.9, 0.1, np.nan, np.nan]))
    auroc, accuracy = score(data, [Auroc(), Accuracy()], resamples=300)
    assert auroc.value == 1 and auroc.low is None and auroc.high is None
    assert accuracy.low is not None


@pytest.mark.parametrize("confidence", [np.full(20, 0.9), np.linspace(0.85, 0.95, 20)])
@pytest.mark.parametrize("correct", [1.0, 0.0])
def test_answers_that_are_all_correct_or_all_wrong_tell_nothing_about_others(confidence, correct):
    """The accuracy may be as low as 0.84; no resample shows a wrong answer."""
    columns = PredictionArrays(np.full(20, correct), confidence, tokens=np.arange(20))
    needing = [name for name in saysel_metrics() if name not in ("tokens", "threshold_utility")]
    for name in needing:
        metric = build("metric", name)
        (made,) = score(columns, [metric])
        assert made.low is None or metric.zero_if or made.high - made.low > 0.05, made
    (tokens,) = score(columns, [Tokens()])
    assert tokens.low < 9.5 < tokens.high


def test_a_ranking_without_an_error_has_no_interval_but_a_constant_one_has():
    correct = np.arange(30) >= 12
    for name in ("auroc", "prr", "eaurc", "auprc"):
        metric = build("metric", name)
        (perfect,) = score(PredictionArrays(correct, np.linspace(0, 1, 30)), [metric])
        assert perfect.value is not None and (perfect.low, perfect.high) == (None, None), perfect
    (constant,) = score(PredictionArrays(correct, np.full(30, 0.8)), [Auroc()])
    assert (constant.value, constant.low, constant.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    "columns",
    [
        PredictionArrays([1], [0.9], tokens=[5]),
        replace(drawn(40, 0.6), tokens=np.ones(40), cluster=["one"] * 40),
    ],
    ids=["question", "cluster"],
)
def test_a_single_question_or_cluster_tells_nothing_about_others(columns):
    """All resamples are equal; that is not certainty."""
    for name in saysel_metrics():
        (made,) = score(columns, [build("metric", name)])
        assert made.low is None or made.high - made.low > 0.05, made


@pytest.mark.parametrize(
    "columns",
    [
        PredictionArrays([0] + [1, 0, 0] * 3, [0.9] + [None] * 9, tokens=[5] + [None] * 9),
        PredictionArrays(
            [1, 0, 1, 1, 0, 0], [0.9, 0.4, 0.7] + [None] * 3, [5, 6, 9] + [None] * 3, list("aaabbb")
        ),
        PredictionArrays([0, 1, 0], [0.9, None, None], [5, None, None], declined=[0, 1, 1]),
    ],
    ids=["question", "cluster", "answered"],
)
def test_nothing_is_certain_that_depends_on_a_single_question_or_cluster(columns):
    """One that states a confidence, has a token count, or is answered."""
    for name in saysel_metrics():
        (made,) = score(columns, [build("metric", name)])
        assert made.low is None or made.high - made.low > 0.05, made
    brier, tokens, accuracy = score(columns, [Brier(), Tokens(), Accuracy()])
    assert (brier.low, brier.high, tokens.low) == (None, None, None)
    assert accuracy.low is not None


def test_only_clusters_that_state_a_confidence_count():
    """Eight of sixteen do, so the interval extends as far as Student's for eight."""
    stated, cluster = drawn(80, 0.6), np.arange(80)
    half_silent = PredictionArrays(
        np.tile(stated.correct, 2),
        np.append(stated.confidence, np.full(80, np.nan)),
        cluster=np.append(cluster % 8, 8 + cluster % 8),
    )
    (draws,) = _bootstrap([Brier()], half_silent, 2000, 0)
    (brier,) = score(half_silent, [Brier()])
    eight, sixteen = (percentile_interval(draws, clusters) for clusters in (8, 16))
    assert (brier.low, brier.high) == eight and eight[1] > sixteen[1]


def test_labels_tell_variants_apart():
    assert label(Ece(use="ece")) == "ece"
    assert label(Ece(use="ece", bins=15)) == "ece(bins=15)"
    assert label(ParseRate()) == "ParseRate"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 80])
@pytest.mark.parametrize("name", ["confidence", "correct"])
def test_values_outside_0_to_1_are_refused(name, value):
    given = {"confidence": 0.5, "correct": 1.0} | {name: value}
    with pytest.raises(DataError, match=f"question 'q': {name} must be a number from 0 to 1"):
        to_arrays([prediction(**given)])


def test_tokens_are_optional():
    assert to_arrays([prediction(0.5, 1.0)]).tokens is None
    counted = replace(prediction(0.5, 1.0), tokens=12)
    assert to_arrays([counted, prediction(0.5, None)]).tokens.tolist() == [12]
    partly = to_arrays([counted, prediction(0.5, 1.0), counted])
    (tokens,) = score(partly, [Tokens(use="tokens")], resamples=50)
    assert (tokens.value, tokens.low, tokens.high) == (12, 12, 12)


def test_a_metric_with_compute_only_gets_the_same_intervals():
    class Slow(Brier):
        resampled = Metric.resampled

        def compute(self, predictions: PredictionArrays) -> float:
            stated = predictions.stated()
            return float(((stated.confidence - stated.correct) ** 2).mean())

    slow, quick = score(drawn(40, 0.5), [Slow(use="brier"), Brier(use="brier")], resamples=100)
    for end in ("value", "low", "high"):
        assert getattr(slow, end) == pytest.approx(getattr(quick, end))


def test_clusters_are_an_entry_of_the_questions_meta():
    asked = [Question(f"q{i}", "", ("a",), meta={"relation": f"r{i % 2}"}) for i in range(4)]
    found = clusters_of(asked, "relation")
    assert found == {"q0": "r0", "q1": "r1", "q2": "r0", "q3": "r1"}
    predictions = [replace(prediction(0.5, 1.0), question_id=f"q{i}") for i in range(4)]
    assert to_arrays(predictions, found).cluster.tolist() == [0, 1, 0, 1]
    assert clusters_of(asked, None) == {} and to_arrays(predictions).cluster is None
    with pytest.raises(DataError, match=r"evaluate.cluster: question 'q0' has no 'passage'"):
        clusters_of(asked, "passage")
