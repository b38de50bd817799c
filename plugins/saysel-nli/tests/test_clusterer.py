from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import saysel_nli
from saysel import registry, testing
from saysel.errors import DataError
from saysel_nli.clusterer import NliClusterer

WORDS = ["kitty", "cat", "couple", "few", "several", "crow", "bird", "dog", "whale", "fish"]
IT = testing.question(prompt="what is it ?")


def groups(classifier: Path, *answers: str | None, **options: Any) -> list[list[str | None]]:
    """The answers of each cluster, in the order drawn."""
    clusterer = NliClusterer(model=str(classifier), **options)
    return [
        [answers[member] for member in cluster.members]
        for cluster in clusterer.cluster(IT, testing.responses(*answers))
    ]


@pytest.mark.parametrize("mode", ["strict", "non_contradiction", "either"])
def test_contract(mode: Any, classifier: Path) -> None:
    testing.check_clusterer(NliClusterer(model=str(classifier), mode=mode))


def test_it_is_found_by_name(classifier: Path) -> None:
    registry.current.cache_clear()
    try:
        if "nli" not in registry.names("clusterer"):  # not installed, only on the path
            registry.current().add(saysel_nli, "saysel-nli", "0.1.0")
        assert registry.find("clusterer", "nli") is NliClusterer
    finally:
        registry.current.cache_clear()


@pytest.mark.parametrize("with_question", [True, False])
def test_answers_that_entail_each_other_are_one(with_question: bool, classifier: Path) -> None:
    found = groups(classifier, "dog", "cat", "Kitty", "kitty ", with_question=with_question)

    assert found == [["cat", "Kitty", "kitty "], ["dog"]]


@pytest.mark.parametrize(
    ("mode", "one", "other"),
    [
        # Crow entails bird, and bird says nothing of crow; whale entails fish, and fish denies it.
        ("strict", False, False),
        ("non_contradiction", True, False),
        ("either", True, True),
    ],
)
def test_modes(mode: str, one: bool, other: bool, classifier: Path) -> None:
    for pair, same in ((("crow", "bird"), one), (("whale", "fish"), other)):
        for answers in (pair, pair[::-1]):
            assert (len(groups(classifier, *answers, mode=mode)) == 1) == same, answers


def test_a_chain_is_parted_where_its_seed_does_not_reach(classifier: Path) -> None:
    # The ends of the chain couple ~ few ~ several are not alike.
    assert groups(classifier, "couple", "several") == [["couple"], ["several"]]
    # The most frequent is the seed: from the middle it takes all, from an end its neighbour.
    assert groups(classifier, "couple", "few", "few", "several") == [
        ["couple", "few", "few", "several"]
    ]
    assert groups(classifier, "several", "few", "couple", "couple") == [
        ["few", "couple", "couple"],
        ["several"],
    ]


def test_the_representative_is_the_most_frequent_wording(classifier: Path) -> None:
    drawn = testing.responses("kitty", "Cat", None, "cat")

    (found,) = NliClusterer(model=str(classifier)).cluster(IT, drawn)

    assert found.representative == drawn[1]
    assert (found.members, found.share) == ((0, 1, 3), 3 / 4)


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    answers=st.lists(st.sampled_from(WORDS) | st.none(), max_size=12),
    mode=st.sampled_from(["strict", "non_contradiction", "either"]),
    seed=st.integers(0, 99),
)
def test_it_is_a_partition_around_representatives_in_any_order(
    answers: list[str | None], mode: Any, seed: int, classifier: Path
) -> None:
    clusterer = NliClusterer(model=str(classifier), mode=mode)
    drawn = testing.responses(*answers)
    found = clusterer.cluster(IT, drawn)

    members = sorted(member for cluster in found for member in cluster.members)
    assert members == [one.index for one in drawn if one.answer is not None]
    for cluster in found:
        for member in cluster.members:
            both = testing.responses(cluster.representative.answer, answers[member])
            assert len(clusterer.cluster(IT, both)) == 1
    # Without ties the order of the samples says nothing.
    counts = [answers.count(word) for word in set(answers) - {None}]
    if len(set(counts)) == len(counts):
        mixed = random.Random(seed).sample(answers, len(answers))
        again = clusterer.cluster(IT, testing.responses(*mixed))
        assert [
            sorted(str(answers[member]) for member in cluster.members) for cluster in found
        ] == [sorted(str(mixed[member]) for member in cluster.members) for cluster in again] or len(
            {len(cluster.members) for cluster in found}
        ) < len(found)


def test_a_higher_threshold_finds_less(classifier: Path) -> None:
    assert len(groups(classifier, "cat", "kitty", threshold=0.999999)) == 2


def test_batches_change_nothing(classifier: Path) -> None:
    assert groups(classifier, *WORDS, batch_size=1) == groups(classifier, *WORDS, batch_size=64)


def test_one_wording_needs_no_model() -> None:
    assert groups(Path("no/such/model"), "cat", "Cat", None) == [["cat", "Cat"]]


def test_a_model_that_is_not_there_or_not_for_this(classifier: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no_such_model: cannot be loaded as a sequence classifier"):
        groups(tmp_path / "no_such_model", "cat", "dog")
