"""The test kit: contract checks that plugin authors run against their own components.

    from saysel import testing

    def test_contract():
        testing.check_reward(MyReward())

There is one check per kind. It raises an AssertionError that says what the contract requires and
what the component did. Some checks need a language model; `small_model` builds an untrained one in
seconds. `question`, `responses` and `clusters` make records to test with; `Data` and `Steps` are
the training data and the progress that a trainer gets.
"""

from __future__ import annotations

from saysel.testing.data_checks import (
    check_clusterer,
    check_rationale,
    check_source,
    check_target,
)
from saysel.testing.evaluation_checks import check_engine, check_metric
from saysel.testing.examples import Data, Steps, clusters, question, responses, small_model
from saysel.testing.model_checks import (
    check_estimator,
    check_model,
    check_sampler,
    check_trainer,
)
from saysel.testing.response_checks import check_format, check_judge, check_reward

__all__ = [
    "Data",
    "Steps",
    "check_clusterer",
    "check_engine",
    "check_estimator",
    "check_format",
    "check_judge",
    "check_metric",
    "check_model",
    "check_rationale",
    "check_reward",
    "check_sampler",
    "check_source",
    "check_target",
    "check_trainer",
    "clusters",
    "question",
    "responses",
    "small_model",
]
