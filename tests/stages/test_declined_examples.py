"""Targets that teach to decline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import pytest
from pydantic import Field

from saysel import testing
from saysel.errors import ContractError
from saysel.interfaces import Parsed, Target
from saysel.plan.checks import incompatibilities
from saysel.recipes.recipe import Recipe
from saysel.records import Cluster, Question, Response
from saysel.stages.target import JudgedClusters, examples_of
from saysel.testing import clusters, question


class UnsureTarget(Target):
    """Learn to decline every question."""

    declines: ClassVar[bool] = True

    confidence: float | None = Field(None, description="confidence of the declined response")

    def target(
        self, question: Question, clusters: Sequence[Cluster], correct: Sequence[float | None]
    ) -> tuple[Response, float | None] | None:
        if not clusters:
            return None
        declined = replace(clusters[0].representative, text="", answer=None, declined=True)
        return declined, self.confidence


def recipe(**keys: object) -> Recipe:
    return Recipe.model_validate(
        {"name": "unsure", "source": "witness", "target": UnsureTarget(use="unsure"), **keys}
    )


def test_contract() -> None:
    testing.check_target(UnsureTarget())


@pytest.mark.parametrize("name", ["sayself", "tags"])
def test_the_example_declines_with_a_rationale_and_without_a_confidence(name: str) -> None:
    made = recipe(format={"use": name, "decline": "I don't know"})
    judged = [JudgedClusters(question(), clusters({"Rome": 3, "Paris": 1}), [0.0, 1.0])]

    (example,), _ = examples_of(made, judged, {question().id: "I would often say Rome."})

    assert example.confidence is None
    assert made.format.confidence_marker not in example.completion
    assert made.format.parse(example.completion) == Parsed(
        None, "I would often say Rome.", None, declined=True
    )


def test_the_format_must_be_able_to_decline() -> None:
    train = ["sft"]
    (problem,) = incompatibilities(recipe(train=train), ["base", "sft"])

    assert problem == (
        "format: the target 'unsure' teaches to decline, and 'sayself' has no answer for it: set "
        'format.decline, e.g. format.decline="I don\'t know"'
    )
    assert not incompatibilities(recipe(train=[]), ["base"])
    able = {"use": "sayself", "decline": "I don't know"}
    assert not incompatibilities(recipe(train=train, format=able), ["base", "sft"])


def test_a_declined_response_has_no_confidence() -> None:
    with pytest.raises(ContractError, match="one that declines has no confidence"):
        UnsureTarget(confidence=0.5).target(question(), clusters({"Rome": 1}), [0.0])
