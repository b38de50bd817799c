from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from saysel.errors import DataError
from saysel.records import Question
from saysel.sources.witness import (
    OBJECTS,
    PLACES,
    RELIABILITY,
    SPLITS,
    Statements,
    WitnessSource,
    posterior,
    split_of,
)


def said(question: Question) -> Statements:
    return tuple((witness, place) for witness, place in question.meta["statements"])


@pytest.fixture(scope="module")
def many() -> list[Question]:
    return list(WitnessSource(pretrain=20_000).questions("pretrain"))


def test_the_world_is_as_large_as_it_says() -> None:
    assert (len(RELIABILITY), len(PLACES), len(set(OBJECTS))) == (24, 12, 20)
    assert sum(SPLITS.values()) == 100


def test_posterior_of_one_statement_is_the_reliability() -> None:
    # (9/10) / (9/10 + 11 * (1/10) / 11) = 9/10, and 1/110 for each other place.
    beliefs = posterior((("Nora", "barn"),))

    assert beliefs["barn"] == pytest.approx(0.9)
    assert beliefs["attic"] == pytest.approx(1 / 110)


def test_posterior_of_a_contradiction() -> None:
    # Nora (.9) says barn, Greta (.3) says attic. Weights, each times 11:
    #   barn    .9 * .7            = .63
    #   attic   .1 * .3            = .03
    #   others  .1 * .7 / 11 each  = .07 / 11, ten of them: .7 / 11
    total = 0.63 + 0.03 + 0.7 / 11
    beliefs = posterior((("Nora", "barn"), ("Greta", "attic")))

    assert beliefs["barn"] == pytest.approx(0.63 / total)
    assert beliefs["attic"] == pytest.approx(0.03 / total)
    assert beliefs["tower"] == pytest.approx(0.07 / 11 / total)


def test_posterior_of_an_agreement() -> None:
    # Lena (.6) and Felix (.6) both say barn: .6 * .6 against 11 places with (.4 / 11) ** 2 each.
    beliefs = posterior((("Lena", "barn"), ("Felix", "barn")))

    assert beliefs["barn"] == pytest.approx(0.36 / (0.36 + 0.16 / 11))


def test_a_witness_worse_than_chance_speaks_against_a_place() -> None:
    beliefs = posterior((("Doris", "barn"),))

    assert beliefs["barn"] == pytest.approx(0.05)
    assert beliefs["attic"] == pytest.approx(0.95 / 11)
    assert beliefs["attic"] > beliefs["barn"]


statements = st.lists(
    st.tuples(st.sampled_from(list(RELIABILITY)), st.sampled_from(PLACES)),
    min_size=1,
    max_size=5,
    unique_by=lambda statement: statement[0],
).map(tuple)


@given(statements)
def test_posteriors_add_up_to_one_whatever_the_order(statements: Statements) -> None:
    beliefs = posterior(statements)

    assert sum(beliefs.values()) == pytest.approx(1)
    assert posterior(statements[::-1]) == pytest.approx(beliefs)
    assert split_of("globe", statements[::-1]) == split_of("globe", statements)


def test_no_story_is_in_two_splits() -> None:
    source = WitnessSource(pretrain=4_000)
    # A story is who said what of which object, in whatever order and words.
    found = {
        split: {
            (question.meta["object"], tuple(sorted(said(question))))
            for question in source.questions(split)
        }
        for split in SPLITS
    }

    assert sum(map(len, found.values())) == len(set().union(*found.values()))
    assert all(split_of(*story) == split for split, told in found.items() for story in told)


def test_stories_are_distinct_numbered_and_the_same_every_time() -> None:
    source = WitnessSource(heldout=500)
    questions = list(source.questions("heldout"))

    assert questions == list(source.questions("heldout"))
    assert len({question.prompt for question in questions}) == 500
    assert len({question.id for question in questions}) == 500
    assert questions[:200] == list(WitnessSource(heldout=200).questions("heldout"))
    assert questions != list(WitnessSource(heldout=500, seed=1).questions("heldout"))


def test_a_story_reads_as_its_statements() -> None:
    for question in islice(WitnessSource().questions("train"), 200):
        *sentences, asked = question.prompt.replace("? ", "?").split(". ")
        assert asked.startswith("Where is the ")
        for sentence, (witness, place) in zip(sentences, said(question), strict=True):
            assert sentence.startswith(f"{witness} ")
            assert sentence.endswith(f"is in the {place}")
        assert question.answers[0].removeprefix("the ") in PLACES


def test_one_to_five_witnesses(many: list[Question]) -> None:
    counts = Counter(len(said(question)) for question in many)

    assert set(counts) == {1, 2, 3, 4, 5}
    few = WitnessSource(train=50, witnesses=2).questions("train")
    assert {len(said(question)) for question in few} == {1, 2}


def test_how_well_anybody_can_do(many: list[Question]) -> None:
    source = WitnessSource()
    ideals = [source.ideal(question) for question in many]
    correct = np.array(
        [ideal.answer == one.answers[0] for ideal, one in zip(ideals, many, strict=True)]
    )
    confidence = np.array([ideal.confidence for ideal in ideals])

    assert 0.65 < correct.mean() < 0.78
    assert roc_auc_score(correct, confidence) > 0.85


def test_truths_are_as_frequent_as_the_posterior_says(many: list[Question]) -> None:
    # Over all places of all stories, not only the likeliest: the generator follows the posterior.
    belief, truth = [], []
    for question in many:
        for place, chance in posterior(said(question)).items():
            belief.append(chance)
            truth.append(question.answers[0] == f"the {place}")
    beliefs, truths = np.array(belief), np.array(truth)
    bins = np.digitize(beliefs, np.linspace(0, 1, 21)[1:-1])

    for number in np.unique(bins):
        inside = bins == number
        chance = beliefs[inside].mean()
        deviation = np.sqrt(chance * (1 - chance) / inside.sum())
        assert abs(truths[inside].mean() - chance) < 4 * deviation + 1e-3


def test_each_witness_is_as_reliable_as_stated(many: list[Question]) -> None:
    told: dict[str, list[bool]] = {name: [] for name in RELIABILITY}
    for question in many:
        for witness, place in said(question):
            told[witness].append(question.answers[0] == f"the {place}")

    for witness, right in told.items():
        assert np.mean(right) == pytest.approx(RELIABILITY[witness], abs=0.04)


@pytest.mark.slow
def test_asking_for_more_stories_than_exist_is_one_line() -> None:
    # One witness can say 24 * 12 things about 20 objects with 3 verbs, 3 % of them held out.
    source = WitnessSource(witnesses=1, heldout=2_000)

    with pytest.raises(DataError, match="fewer than 2000 different stories for 'heldout'"):
        list(source.questions("heldout"))


def test_an_unknown_split_is_one_line() -> None:
    with pytest.raises(
        DataError, match="no split 'test'; it has pretrain, rl, train, dev, heldout"
    ):
        list(WitnessSource().questions("test"))


def test_smoke_asks_for_a_handful() -> None:
    small: Any = WitnessSource(heldout=5).smoke()

    assert len(list(small.questions("train"))) == 16
    assert len(list(small.questions("heldout"))) == 5
