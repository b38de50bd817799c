from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.answers import key, matches
from saysel.clusterers.exact import ExactClusterer
from saysel.testing import question, responses

answers = (
    st.none() | st.text(max_size=6) | st.sampled_from(["Paris", "paris.", "the Paris", "Rome"])
)


@given(st.lists(answers, max_size=12))
def test_always_a_partition_of_what_was_answered(answers: list[str | None]) -> None:
    drawn = responses(*answers)
    found = ExactClusterer().cluster(question(), drawn)

    members = sorted(index for cluster in found for index in cluster.members)
    assert members == [index for index, answer in enumerate(answers) if answer is not None]
    sizes = [len(cluster.members) for cluster in found]
    assert sizes == sorted(sizes, reverse=True)
    for cluster in found:
        assert cluster.share == len(cluster.members) / len(drawn)
        assert cluster.representative is drawn[cluster.members[0]]
        (same,) = {key(answers[index] or "") for index in cluster.members}
        assert all(
            same != key(other.representative.answer or "")
            for other in found
            if other is not cluster
        )


def test_case_articles_and_punctuation_do_not_count() -> None:
    drawn = responses("The Cellar", "a barn", "cellar.", "the  cellar!", "barn", None)
    cellar, barn = ExactClusterer().cluster(question(), drawn)

    assert cellar.members == (0, 2, 3)
    assert cellar.share == 3 / 6
    assert barn.members == (1, 4)


def test_numbers_are_what_they_are_and_options_what_they_name() -> None:
    drawn = responses("-5", "5", "1,000", "1000", "-5.", "A", "(a)", "A.", "B", "b)")

    found = ExactClusterer().cluster(question(), drawn)

    assert [cluster.members for cluster in found] == [(5, 6, 7), (0, 4), (2, 3), (8, 9), (1,)]


def test_numbers_join_the_only_unit_of_the_others() -> None:
    drawn = responses(
        "18", "$18", "18 dollars", "eighteen", "$17", "5", "5 km", "5 miles", "5000 m"
    )

    found = ExactClusterer().cluster(question(), drawn)

    assert [cluster.members for cluster in found] == [(0, 1, 2, 3), (6, 8), (4,), (5,), (7,)]


ANSWERS = "18 $18 €18 18.0 eighteen 18% x+1 1+x x-1 Paris paris. C C++ XVIII"
many = st.sampled_from(ANSWERS.split())


@given(st.lists(many, min_size=1, max_size=8), st.randoms())
def test_the_order_of_the_responses_does_not_matter(answers: list[str], rng: Random) -> None:
    def together(order: list[int]) -> set[frozenset[int]]:
        drawn = responses(*(answers[place] for place in order))
        found = ExactClusterer().cluster(question(), drawn)
        return {frozenset(order[index] for index in cluster.members) for cluster in found}

    order = list(range(len(answers)))
    shuffled = rng.sample(order, len(order))
    assert together(order) == together(shuffled)


@given(st.lists(many, min_size=2, max_size=8))
def test_the_judge_accepts_every_member_for_every_other(answers: list[str]) -> None:
    for cluster in ExactClusterer().cluster(question(), responses(*answers)):
        for one in cluster.members:
            for other in cluster.members:
                assert matches([answers[one]], answers[other])


def test_ties_go_to_the_answer_that_came_first() -> None:
    found = ExactClusterer().cluster(question(), responses("Rome", "Paris", "Paris", "Rome"))

    assert [cluster.representative.answer for cluster in found] == ["Rome", "Paris"]


@pytest.mark.parametrize(
    ("one", "other"), [("?", "!"), ("the", "a"), ("1", "2"), ("-5", "5"), ("3.5", "3 5")]
)
def test_different_answers_stay_apart(one: str, other: str) -> None:
    assert key(one) != key(other)
