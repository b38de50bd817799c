from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from saysel.records import Prediction
from saysel.report import Row
from saysel.report.alarms import alarms


def row(
    model: str,
    confidence: Sequence[float | None],
    correct: Sequence[float],
    estimator: str = "verbalized",
) -> Row:
    predictions = tuple(
        Prediction(f"q{i}", "", "a", None, c, y)
        for i, (c, y) in enumerate(zip(confidence, correct, strict=True))
    )
    return Row("", model, estimator, "heldout", predictions, (), len(predictions))


def useful(n: int = 400, accuracy: float = 0.5) -> tuple[list[float], list[float]]:
    """Three confidences that mean something."""
    stated = np.resize([0.1, 0.5, 0.9], n)
    right = np.random.default_rng(0).random(n) < stated * 2 * accuracy
    return stated.tolist(), right.astype(float).tolist()


def texts(*rows: Row) -> list[str]:
    return [alarm.text for alarm in alarms(rows)]


def test_nothing_is_wrong():
    assert texts(row("base", *useful())) == []
    assert texts(row("base", [], [])) == []


def test_a_base_rate_forecaster_is_found_out():
    found = texts(row("base", [0.6] * 10, [1] * 6 + [0] * 4))
    assert found == [
        "the same confidence is stated every time",
        "ECE is small, but confidence does not tell right answers from wrong ones",
    ]
    assert texts(row("base", [0.0, 1.0] * 5, [0, 1] * 5)) == [
        "only 2 different confidences are stated"
    ]


def test_noise_around_the_base_rate_is_found_out():
    rng = np.random.default_rng(1)
    stated = rng.choice([0.55, 0.6, 0.65, 0.7], 2000)
    correct = (rng.random(2000) < 0.62).astype(float)
    assert texts(row("ppo", stated.tolist(), correct.tolist())) == [
        "ECE is small, but confidence does not tell right answers from wrong ones"
    ]


def test_unreadable_replies_are_counted():
    stated, correct = useful()
    stated[:21] = [None] * 21
    assert texts(row("base", stated, correct)) == [
        "5.2% of the replies have no readable confidence"
    ]
    stated[0] = 0.1
    assert texts(row("base", stated, correct)) == []


def test_accuracy_is_compared_with_the_base_model_asked_in_the_same_way():
    base, worse = row("base", *useful()), row("ppo", *useful(accuracy=0.3))
    (text,) = texts(base, worse)
    assert text.startswith("accuracy fell from ") and text.endswith(", beyond its interval")
    assert texts(base, row("ppo", *useful(accuracy=0.48))) == []
    assert texts(base, row("ppo", *useful(accuracy=0.3), estimator="other")) == []


def test_the_limit_and_what_was_not_judged_raise_none():
    assert texts(row("ideal", [0.5] * 9, [1] * 9)) == []
    assert texts(row("base", [0.5] * 9, [None] * 9)) == []
