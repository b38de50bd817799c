from __future__ import annotations

import pytest

from saysel.targets.correct_cluster import CorrectClusterTarget
from saysel.testing import clusters, question

FOUND = clusters({"Rome": 5, "Paris": 4, "City of Paris": 1})


@pytest.mark.parametrize(
    ("correct", "answer", "confidence"),
    [
        ([0.0, 1.0, 0.0], "Paris", 0.4),
        ([1.0, 0.0, 0.0], "Rome", 0.5),
        # Aliases that the clusterer keeps apart count together; the largest speaks.
        ([0.0, 1.0, 1.0], "Paris", 0.5),
        ([1.0, 1.0, 1.0], "Rome", 1.0),
        ([None, 1.0, None], "Paris", 0.4),
        ([0.4, 0.5, 0.49], "Paris", 0.4),
    ],
)
def test_the_correct_cluster_speaks_with_its_share(
    correct: list[float | None], answer: str, confidence: float
) -> None:
    chosen = CorrectClusterTarget().target(question(), FOUND, correct)

    assert chosen is not None
    assert chosen[0].answer == answer
    assert chosen[1] == pytest.approx(confidence)


@pytest.mark.parametrize("correct", [[0.0, 0.0, 0.0], [None, None, None], [0.0, None, 0.3]])
def test_without_a_correct_cluster_there_is_no_example(correct: list[float | None]) -> None:
    assert CorrectClusterTarget().target(question(), FOUND, correct) is None


def test_without_clusters_there_is_no_example() -> None:
    assert CorrectClusterTarget().target(question(), [], []) is None
