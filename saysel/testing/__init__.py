"""The test kit: contract checks that plugin authors run against their own components.

    from saysel import testing

    def test_contract():
        testing.check_reward(MyReward())

There is one check per kind. Each raises an AssertionError that says what the contract asks and
what the component did. Checks that need a language model take one; `small_model` builds one in
seconds, too small to know anything. `question`, `responses` and `clusters` make records to test
with, `Data` and `Steps` stand in for what the framework hands to a trainer.
"""

from __future__ import annotations

from saysel.testing.checks import (
    check_clusterer,
    check_engine,
    check_format,
    check_judge,
    check_metric,
    check_rationale,
    check_reward,
    check_source,
    check_target,
)
from saysel.testing.examples import Data, Steps, clusters, question, responses, small_model
from saysel.testing.model_checks import (
    check_estimator,
    check_model,
    check_sampler,
    check_trainer,
)

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
