from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel import testing
from saysel.clusterers.agglomerative import AgglomerativeClusterer
from saysel.testing import question, responses
from tests.clusterers.test_embedding import PLACES


def unit(*degrees: float) -> np.ndarray:
    radians = np.deg2rad(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_it_keeps_its_contract(minilm: str) -> None:
    testing.check_clusterer(AgglomerativeClusterer(model=minilm, instruction=""))


def test_meanings(minilm: str) -> None:
    clusterer = AgglomerativeClusterer(model=minilm, instruction="", threshold=0.55)
    found = clusterer.cluster(question(), responses(*PLACES, None))

    assert [cluster.members for cluster in found] == [(0, 1, 2, 6), (3, 4, 7), (5,)]
    assert found[0].share == 4 / 9


@pytest.mark.parametrize(
    ("linkage", "groups"),
    [
        # Neighbours 20 degrees apart: cos 20 = 0.94, cos 40 = 0.77, cos 60 = 0.5.
        ("single", [[0, 1, 2, 3]]),
        ("complete", [[0, 1], [2, 3]]),
    ],
)
def test_linkages(linkage: str, groups: list[list[int]]) -> None:
    clusterer = AgglomerativeClusterer(threshold=0.9, linkage=linkage)  # type: ignore[arg-type]

    assert sorted(clusterer.groups(unit(0, 20, 40, 60))) == groups


@given(st.permutations(range(6)))
def test_the_order_does_not_matter(order: list[int]) -> None:
    degrees = [0, 3, 50, 51.5, 55, 120]
    found = AgglomerativeClusterer(threshold=0.9).groups(unit(*(degrees[row] for row in order)))

    assert sorted(sorted(degrees[order[row]] for row in rows) for rows in found) == [
        [0, 3],
        [50, 51.5, 55],
        [120],
    ]


def test_one_response() -> None:
    assert AgglomerativeClusterer().groups(unit(10)) == [[0]]
