from __future__ import annotations

import math
from dataclasses import replace

import pytest

from saysel.metrics.accuracy import Accuracy
from saysel.metrics.coverage import AccuracyWhenAnswered, Coverage, Truthfulness
from saysel.metrics.parse_rate import ParseRate
from saysel.metrics.selective import AccuracyAtCoverage, CoverageAtRisk, ThresholdUtility
from saysel.scoring import score


@pytest.fixture
def eight(make_columns):
    """Four right, two wrong (one without a confidence), two declined (one rightly)."""
    columns = make_columns(
        [0.9, 0.9, 0.8, 0.6, 0.7, None, None, None],
        [1, 1, 1, 1, 0, 0, 0, 1],
    )
    return replace(columns, declined=[0] * 6 + [1, 1])


def test_by_hand(eight):
    assert Coverage().compute(eight) == 6 / 8
    assert AccuracyWhenAnswered().compute(eight) == 4 / 6
    assert Accuracy().compute(eight) == 5 / 8
    assert Truthfulness().compute(eight) == (5 - 2) / 8
    assert ParseRate().compute(eight) == 5 / 6
    # At 0.75, three correct answers are accepted. The unparsed reply is left out.
    assert ThresholdUtility(threshold=0.75).compute(eight) == pytest.approx(3 / 7)
    # Half of the questions: the four answers of .9, .9, .8 and .7.
    assert AccuracyAtCoverage(coverage=0.5).compute(eight) == 3 / 4
    # Beyond the answers with a confidence, those without one and declined replies follow.
    assert AccuracyAtCoverage(coverage=1).compute(eight) == 5 / 8
    assert CoverageAtRisk(risk=0.2).compute(eight) == 5 / 8


def test_intervals_of_shares_use_the_questions_that_count(eight):
    when_answered, plain = score(eight, [AccuracyWhenAnswered(), Accuracy()])

    without = replace(eight, declined=None).take(range(6))
    assert (when_answered.low, when_answered.high) == (
        score(without, [Accuracy()])["Accuracy"].low,
        score(without, [Accuracy()])["Accuracy"].high,
    )
    assert plain.value == 5 / 8


def test_truthfulness_without_declined_replies_is_accuracy_on_another_scale(make_columns):
    """Five of five correct: Wilson's interval of accuracy is .566 to 1, so this is .131 to 1."""
    for columns in (make_columns([None] * 5, [1] * 5), make_columns([None] * 5, [1, 1, 0, 1, 0])):
        truthfulness, accuracy = score(columns, [Truthfulness(), Accuracy()])
        for end in ("value", "low", "high"):
            expected = 2 * getattr(accuracy, end) - 1
            assert getattr(truthfulness, end) == pytest.approx(expected, abs=1e-12)
    assert score(make_columns([None] * 5, [1] * 5), [Truthfulness()])["Truthfulness"].low == (
        pytest.approx(0.131, abs=5e-4)
    )


def test_declined_replies_are_counted_apart_from_missing_confidences(eight):
    table = score(eight, [Coverage()])

    assert (table.predictions, table.declined, table.missing) == (8, 2, 1)
    assert table.caption() == "8 predictions, 2 declined, 1 without a confidence"


def test_a_model_that_always_declines(make_columns):
    silent = replace(make_columns([None, 0.9], [0, 0]), declined=[1, 1])

    assert Coverage().compute(silent) == 0
    assert Truthfulness().compute(silent) == 0
    assert ThresholdUtility().compute(silent) == 0
    assert math.isnan(AccuracyWhenAnswered().compute(silent))
    assert math.isnan(ParseRate().compute(silent))
