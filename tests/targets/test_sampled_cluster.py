from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from saysel.targets.sampled_cluster import SampledClusterTarget
from saysel.testing import check_target, clusters, question

FOUND = clusters({"Rome": 6, "Paris": 3, "Lima": 1})


def chosen(number: int, correct: list[float | None]) -> tuple[str | None, float]:
    example = SampledClusterTarget().target(replace(question(), id=f"q{number}"), FOUND, correct)
    assert example is not None
    return example[0].answer, example[1]


@pytest.mark.parametrize("correct", [[0.0, 1.0, 0.0], [None, None, None]])
def test_answers_are_as_frequent_as_in_the_samples(correct: list[float | None]) -> None:
    examples = Counter(chosen(number, correct) for number in range(2000))

    for example, expected in {("Rome", 0.6): 1200, ("Paris", 0.3): 600, ("Lima", 0.1): 200}.items():
        assert examples[example] == pytest.approx(expected, abs=80)
    assert sum(examples.values()) == 2000


def test_the_same_question_has_the_same_answer() -> None:
    assert chosen(1, [1.0, 0.0, 0.0]) == chosen(1, [0.0, 1.0, 0.0])


def test_it_is_a_target() -> None:
    check_target(SampledClusterTarget())


def test_without_clusters_there_is_no_example() -> None:
    assert SampledClusterTarget().target(question(), [], []) is None
