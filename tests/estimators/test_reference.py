"""The same numbers as uqlm, lm-polygraph, scikit-learn and betacal; see `make_reference.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saysel.estimators.recalibrated import fit_curve
from saysel.estimators.semantic_entropy import SemanticEntropyEstimator
from saysel.estimators.sequence_probability import SequenceProbabilityEstimator
from saysel.interfaces import Clusterer, EstimationContext
from saysel.records import Cluster, ModelRef, Question, Response
from saysel.testing import question

Context = Callable[..., EstimationContext]
MODEL = ModelRef("any")
REFERENCE = json.loads((Path(__file__).parent / "reference.json").read_text())


class Given(Clusterer):
    """The clusters that a test wants."""

    groups: tuple[tuple[int, ...], ...]

    def cluster(self, question: Question, responses: Sequence[Response]) -> list[Cluster]:
        return [
            Cluster(question.id, group, responses[group[0]], len(group) / len(responses))
            for group in self.groups
        ]


def reply(number: int, tokens: Sequence[float]) -> tuple[str, dict[str, float]]:
    """A reply whose answer has words of these probabilities."""
    odds = {f"w{number}.{place}": odd for place, odd in enumerate(tokens)}
    return f"Answer: {' '.join(odds)}", odds


@pytest.mark.parametrize("case", REFERENCE["sequence"])
def test_sequence_probability(case: dict[str, Any], context: Context) -> None:
    text, odds = reply(0, case["tokens"])
    for name, normalise in (("mean", True), ("product", False)):
        estimator = SequenceProbabilityEstimator(normalise=normalise)
        (found,) = estimator.estimate(MODEL, [question()], context(text, odds=odds))
        assert found.confidence == pytest.approx(case["uqlm"][name], abs=1e-12)
        assert found.confidence == pytest.approx(case["lm-polygraph"][name], abs=1e-12)


@pytest.mark.parametrize("case", REFERENCE["entropy"])
def test_semantic_entropy(case: dict[str, Any], context: Context) -> None:
    told = [reply(number, tokens) for number, tokens in enumerate(case["samples"])]
    odds = {word: odd for _, words in told for word, odd in words.items()}
    scene = replace(
        context(*(text for text, _ in told), odds=odds),
        clusterer=Given(groups=case["clusters"]),
    )
    for name, options in (
        ("count", {}),
        ("mean", {"weight": "likelihood"}),
        ("product", {"weight": "likelihood", "normalise": False}),
    ):
        estimator = SemanticEntropyEstimator(n=len(told), **options)
        (found,) = estimator.estimate(MODEL, [question()], scene)
        assert found.confidence == pytest.approx(case["uqlm"][name], abs=1e-12), name
        if name in case["lm-polygraph"]:
            assert found.confidence == pytest.approx(case["lm-polygraph"][name], abs=1e-12)


@pytest.mark.parametrize(
    ("method", "precision"),
    # Each implementation stops its search when it is content; isotonic regression is exact.
    [("temperature", 1e-5), ("platt", 1e-4), ("beta", 1e-4), ("isotonic", 1e-12)],
)
def test_scaling(method: str, precision: float) -> None:
    case = REFERENCE["scaling"]
    found = fit_curve(method, case["confidence"], case["correct"])(np.array(case["at"]))

    assert found == pytest.approx(case[method], abs=precision)
