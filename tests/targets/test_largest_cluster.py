from __future__ import annotations

import pytest

from saysel.targets.largest_cluster import LargestClusterTarget
from saysel.testing import clusters, question


@pytest.mark.parametrize("correct", [[0.0, 1.0], [1.0, 0.0], [None, None]])
def test_the_majority_speaks_right_or_wrong(correct: list[float | None]) -> None:
    found = clusters({"Rome": 3, "Paris": 2})

    assert LargestClusterTarget().target(question(), found, correct) == (
        found[0].representative,
        0.6,
    )


def test_without_clusters_there_is_no_example() -> None:
    assert LargestClusterTarget().target(question(), [], []) is None
