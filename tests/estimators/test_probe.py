from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from saysel.errors import UsageError
from saysel.estimators.probe import ProbeEstimator, best_boundary, fit_probe
from saysel.interfaces import EstimationContext, Prompt, Sampler
from saysel.records import Generation, ModelRef, Prediction, Question

THINGS = ("globe", "kettle")
WHO = ("Ann", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal", "Ivy", "Jo", "Kim", "Lee")
#: An untrained model only notices a word that it reads often.
TIMES = 6


class Knows(Sampler):
    """Knows where the globe is, and guesses where anything else is; never says where a cat is."""

    def sample(
        self, model: ModelRef, prompts: Sequence[Prompt], n: int, seed: int
    ) -> Iterator[list[Generation]]:
        for prompt in prompts:
            known, silent = (thing in prompt[-1]["content"] for thing in ("globe", "cat"))
            places = ["barn"] * n if known else ["barn", "attic", "cellar", "hall"][seed % 2 :][:n]
            yield [Generation("…" if silent else f"Answer: {place}", 4) for place in places]


def questions(split: str, names: Sequence[str], things: Sequence[str]) -> list[Question]:
    """The globe is in the barn, the kettle nowhere."""
    return [
        Question(
            f"{split}-{name}-{thing}",
            f"{name} asks for the{f' {thing}' * TIMES}",
            ("barn",) if thing == "globe" else ("nowhere",),
        )
        for name in names
        for thing in things
    ]


HELD_OUT = questions("heldout", WHO[8:], THINGS)


@pytest.fixture
def scene(context: Any) -> EstimationContext:
    splits = {
        "dev": questions("dev", WHO[:8], THINGS),
        "known": questions("known", WHO[:8], ["globe"]),
        "silent": questions("silent", WHO[:8], ["cat"]),
    }
    return replace(context(), sampler=Knows(), questions=lambda split: splits[split])


def estimate(
    model: ModelRef, scene: EstimationContext, asked: list[Question] = HELD_OUT, **options: Any
) -> list[Prediction]:
    fitted = ProbeEstimator(**options).fit(model, scene)
    return list(fitted.estimate(model, asked, scene))


@pytest.mark.parametrize("token", ["prompt", "answer"])
@pytest.mark.parametrize("target", ["correct", "entropy"])
def test_it_tells_known_from_unknown_on_new_questions(
    token: str, target: str, small_model: ModelRef, scene: EstimationContext
) -> None:
    found = estimate(small_model, scene, token=token, target=target, samples=4)

    known = [prediction.confidence for prediction in found[::2]]
    guessed = [prediction.confidence for prediction in found[1::2]]
    assert min(known) > 0.5 > max(guessed)  # type: ignore[type-var]
    assert all(prediction.tokens == 4 and prediction.correct is None for prediction in found)


def test_without_an_answer_there_is_no_confidence(
    small_model: ModelRef, scene: EstimationContext
) -> None:
    silent = questions("heldout", WHO[8:], ["cat"])

    assert {one.confidence for one in estimate(small_model, scene, silent)} == {None}


@pytest.mark.parametrize(("split", "usable"), [("known", 8), ("silent", 0)])
def test_nothing_to_tell_apart_is_a_warning(
    split: str,
    usable: int,
    small_model: ModelRef,
    scene: EstimationContext,
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = estimate(small_model, scene, split=split)

    assert {prediction.confidence for prediction in found} == {None}
    assert f"the {usable} usable answers to the 8 questions of the split '{split}'" in caplog.text


def test_it_is_not_evaluated_on_what_it_is_fitted_on(
    small_model: ModelRef, scene: EstimationContext
) -> None:
    with pytest.raises(UsageError, match="'dev-Ann-globe' was used to fit the estimator 'probe'"):
        estimate(small_model, scene, list(scene.questions("dev")))
    with pytest.raises(UsageError, match="must be fitted first"):
        list(ProbeEstimator().estimate(small_model, HELD_OUT, scene))


def test_fitting_is_deterministic_and_can_be_pickled(
    small_model: ModelRef, scene: EstimationContext
) -> None:
    once, again = (ProbeEstimator().fit(small_model, scene) for _ in range(2))
    assert once._probe is not None and again._probe is not None
    assert np.array_equal(once._probe.weights, again._probe.weights)

    (here,) = once.estimate(small_model, HELD_OUT[:1], scene)
    (there,) = pickle.loads(pickle.dumps(once)).estimate(small_model, HELD_OUT[:1], scene)
    assert here == there


def test_the_regression_by_hand() -> None:
    """A single answer of the minority leaves no folds, so the strongest penalty is used.

    Nearly no weight remains, and the bias gives the share of the majority: σ(b) = 3 / 4.
    """
    probe = fit_probe([np.array([x]) for x in (0.0, 1.0, 2.0, 3.0)], [False, True, True, True])

    assert (probe.mean, probe.scale) == (pytest.approx([1.5]), pytest.approx([1.25**0.5]))
    assert probe.weights == pytest.approx([0], abs=1e-4)
    assert probe(np.array([0.0])) == pytest.approx(3 / 4, abs=1e-3)


def test_noise_is_not_learned_and_signal_is() -> None:
    generator = np.random.default_rng(0)
    states = generator.normal(size=(200, 50))
    labels = np.arange(200) % 2 == 0
    fresh = generator.normal(size=(100, 50))

    noise = fit_probe(list(states), list(labels))
    assert max(abs(noise(state) - 0.5) for state in fresh) < 0.25

    states[:, 3] += 2 * labels
    signal = fit_probe(list(states), list(labels))
    assert np.argmax(np.abs(signal.weights)) == 3
    right = [(signal(state) > 0.5) == (state[3] > 1) for state in fresh]
    assert np.mean(right) > 0.8


def test_the_boundary_splits_with_the_least_squared_error() -> None:
    # {0, .1} and {.9, 1}: .005 + .005; after 0: 0 + .487; before 1: .487 + 0.
    assert best_boundary([1.0, 0.0, 0.9, 0.1]) == 0.9
    # {0, .5} and {1, 1, 1}: .125; {0} and the others: .1875.
    assert best_boundary([0.0, 0.5, 1.0, 1.0, 1.0]) == 1.0
    assert best_boundary([0.4, 0.4]) == 0.4
    assert best_boundary([]) == 0.0
