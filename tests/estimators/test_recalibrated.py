from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.errors import UsageError
from saysel.estimators.recalibrated import RecalibratedEstimator, fit_curve
from saysel.interfaces import EstimationContext, Prompt, Sampler
from saysel.records import Generation, ModelRef, Prediction, Question
from saysel.testing import question

MODEL = ModelRef("any")
METHODS = ["temperature", "platt", "beta", "isotonic"]


class Echoes(Sampler):
    """Answers what the question says: `Paris 7` gives the answer Paris with confidence 7."""

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        for prompt in prompts:
            answer, confidence = prompt[-1]["content"].split()
            yield [Generation(f"Answer: {answer} Confidence: {confidence}", 4)] * n


def asked(split: str, *told: str) -> list[Question]:
    return [question(id=f"{split}-{row}", prompt=one) for row, one in enumerate(told)]


DEV = asked(
    "dev",
    *(["Paris 9"] * 5 + ["Rome 9"] * 5 + ["Paris 2"] * 1 + ["Rome 2"] * 4),
    *("Paris x", "… 9"),
)
HELD_OUT = asked("heldout", "Paris 9", "Rome 2", "Oslo x")


@pytest.fixture
def scene(context: Callable[..., EstimationContext]) -> EstimationContext:
    splits = {"dev": DEV, "silent": asked("silent", "Paris x", "Rome x")}
    return replace(context(), sampler=Echoes(), questions=lambda split: splits[split])


def estimate(scene: EstimationContext, **options: Any) -> list[Prediction]:
    fitted = RecalibratedEstimator(estimator="verbalized", **options).fit(MODEL, scene)
    return list(fitted.estimate(MODEL, HELD_OUT, scene))


def test_isotonic_gives_the_accuracy_at_each_confidence(scene: Any) -> None:
    sure, unsure, silent = estimate(scene, method="isotonic")

    # "… 9" is a wrong answer stated with .9, so that 5 of 11 are right there.
    assert sure.confidence == pytest.approx(5 / 11)
    assert unsure.confidence == pytest.approx(1 / 5)
    assert silent.confidence is None
    assert (sure.answer, sure.tokens, sure.correct) == ("Paris", 4, None)


def test_two_confidences_and_two_parameters_give_the_shares_too(scene: Any) -> None:
    # Platt's targets: 6 right and 10 wrong answers.
    right, wrong = 7 / 8, 1 / 12
    sure, unsure, _ = estimate(scene, method="platt")
    assert sure.confidence == pytest.approx((5 * right + 6 * wrong) / 11, abs=1e-5)
    assert unsure.confidence == pytest.approx((right + 4 * wrong) / 5, abs=1e-5)


def test_one_temperature_by_hand() -> None:
    # 3 of 4 are right at .9: σ(log 9 / T) = 3 / 4 gives T = log 9 / log 3 = 2.
    mapped = fit_curve("temperature", [0.9] * 4, [1, 1, 1, 0])

    assert mapped(np.array([0.9])) == pytest.approx([0.75], abs=1e-6)
    assert mapped(np.array([0.8, 0.5, 0.1])) == pytest.approx([2 / 3, 0.5, 0.25], abs=1e-6)


@pytest.mark.parametrize("method", ["platt", "beta"])
def test_at_the_best_fit_errors_are_uncorrelated_with_the_features(method: str) -> None:
    rng = np.random.default_rng(0)
    c = rng.uniform(0.02, 0.98, 400)
    y = (rng.random(400) < c**2).astype(float)
    target = y
    if method == "platt":
        target = np.where(y == 1, (y.sum() + 1) / (y.sum() + 2), 1 / ((1 - y).sum() + 2))

    error = fit_curve(method, c, y)(c) - target

    columns = {"platt": [np.log(c / (1 - c))], "beta": [np.log(c), np.log(1 - c)]}[method]
    for column in [*columns, np.ones_like(c)]:
        assert (error * column).mean() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
@given(
    pairs=st.lists(
        st.tuples(st.integers(0, 10).map(lambda k: k / 10), st.sampled_from([0.0, 0.3, 1.0])),
        min_size=1,
        max_size=30,
    )
)
def test_every_curve_gives_confidences_and_preserves_the_order(
    method: str, pairs: list[tuple[float, float]]
) -> None:
    mapped = fit_curve(method, [c for c, _ in pairs], [y for _, y in pairs])(np.linspace(0, 1, 21))

    assert np.all((mapped >= 0) & (mapped <= 1))
    assert np.all(np.diff(mapped) >= -1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_overconfidence_decreases_on_new_questions(method: str) -> None:
    rng = np.random.default_rng(1)

    def sample() -> tuple[Any, Any]:
        c = rng.integers(5, 11, 500) / 10
        return c, (rng.random(500) < 2 * (c - 0.5) * 0.7 + 0.1).astype(float)

    (c, y), (new, truth) = sample(), sample()
    mapped = fit_curve(method, c, y)(new)
    assert ((mapped - truth) ** 2).mean() < ((new - truth) ** 2).mean() - 0.02


def test_it_is_not_evaluated_on_the_questions_it_was_fitted_on(scene: Any) -> None:
    fitted = RecalibratedEstimator(estimator="verbalized").fit(MODEL, scene)

    with pytest.raises(UsageError, match="question 'dev-3' was used to fit"):
        list(fitted.estimate(MODEL, [HELD_OUT[0], DEV[3]], scene))


def test_it_must_be_fitted(scene: Any) -> None:
    with pytest.raises(UsageError, match="must be fitted first"):
        list(RecalibratedEstimator(estimator="verbalized").estimate(MODEL, HELD_OUT, scene))


def test_without_anything_to_fit_on_there_is_a_warning_and_no_confidence(
    scene: Any, caplog: Any
) -> None:
    found = estimate(scene, split="silent")

    assert [one.confidence for one in found] == [None] * 3
    assert [one.answer for one in found] == ["Paris", "Rome", "Oslo"]
    assert caplog.messages == [
        "recalibrated: none of the 2 answers of the split 'silent' has both a readable confidence "
        "and a judgement; without a curve, every confidence is missing"
    ]


def test_it_needs_what_the_wrapped_estimator_needs() -> None:
    consistency = {"use": "self_consistency", "n": 7}
    inner = {"use": "recalibrated", "estimator": "p_true", "split": "calibration"}

    assert RecalibratedEstimator(estimator=consistency).replies() == 7
    assert not RecalibratedEstimator(estimator=consistency).needs_logprobs()
    assert RecalibratedEstimator(estimator=inner).needs_logprobs()
    assert RecalibratedEstimator(estimator=inner).splits() == ("dev", "calibration")


@pytest.mark.parametrize("method", METHODS)
def test_a_fitted_one_can_be_sent_to_another_process(method: str, scene: Any) -> None:
    fitted = RecalibratedEstimator(estimator="verbalized", method=method).fit(MODEL, scene)

    sent = pickle.loads(pickle.dumps(fitted))

    assert list(sent.estimate(MODEL, HELD_OUT, scene)) == list(
        fitted.estimate(MODEL, HELD_OUT, scene)
    )


def test_sure_and_always_right_stays_finite() -> None:
    for method in METHODS:
        assert fit_curve(method, [1.0] * 5, [1.0] * 5)(np.array([1.0]))[0] > 0.8
        assert fit_curve(method, [1.0] * 5, [0.0] * 5)(np.array([1.0]))[0] <= 0.5
