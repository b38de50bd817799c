from __future__ import annotations

from typing import Any

import pytest

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
        SteerConfEstimator(),
    ],
)
def test_it_is_the_prompt_that_is_sampled_with(estimator: Estimator, context: Any) -> None:
    given = context("Answer: Rome\nConfidence: 80%")
    asked.clear()

    list(estimator.estimate(ModelRef("any"), [question()], given))

    (sent,) = asked[0][3]
    assert estimator.first_prompt(question(), given.format)[-1]["content"] == sent
