from __future__ import annotations

from typing import Any

import pytest

from saysel.estimators.p_true import PTrueEstimator
from saysel.estimators.recalibrated import RecalibratedEstimator
from saysel.estimators.self_consistency import SelfConsistencyEstimator
from saysel.estimators.steerconf import SteerConfEstimator
from saysel.estimators.verbalized import VerbalizedEstimator
from saysel.interfaces import Estimator
from saysel.records import ModelRef
from saysel.testing import question
from tests.estimators.conftest import asked


@pytest.mark.parametrize(
    "estimator",
    [
        VerbalizedEstimator(),
        VerbalizedEstimator(style="words"),
        VerbalizedEstimator(style="guesses", turns=2),
        SelfConsistencyEstimator(n=1),
        SelfConsistencyEstimator(n=3),
        SteerConfEstimator(),
    ],
)
def test_they_are_those_that_replies_are_sampled_with(estimator: Estimator, context: Any) -> None:
    given = context(*["Answer: Rome\nConfidence: 80%"] * 3)
    asked.clear()

    list(estimator.estimate(ModelRef("any"), [question()], given))

    sent = [prompt for *_, prompts in asked for prompt in prompts]
    chats = estimator.chats(question(), given.format)
    assert [chat[-1]["content"] for chat in chats] == sent
    drawn = {n for _, n, *_ in asked}
    assert drawn == {estimator.replies() / len(chats)}


def test_an_estimator_that_wraps_another_asks_as_it_does(context: Any) -> None:
    steered = SteerConfEstimator()
    given = context("Answer: Rome\nConfidence: 80%")
    wrapped = RecalibratedEstimator(estimator=steered)
    assert wrapped.chats(question(), given.format) == steered.chats(question(), given.format)
    assert len(PTrueEstimator(ideas=2).chats(question(), given.format)) == 1
