from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.rationales.template import HOW_OFTEN, TemplateRationaleWriter, how_often
from saysel.testing import clusters, question

NAMED = re.compile(r"(usually|often|sometimes|rarely) (?:say )?(the \w+)")


def write(sizes: dict[str, int], most: int = 3) -> str:
    (rationale,) = TemplateRationaleWriter(max_answers=most).write([(question(), clusters(sizes))])
    assert rationale is not None
    assert rationale.question_id == "capital"
    return rationale.text


def test_competing_answers_by_how_often_they_came() -> None:
    text = write({"the cellar": 13, "the attic": 5, "the barn": 1, "the tower": 1})

    assert text == (
        "I would often say the cellar, sometimes the attic, rarely the barn or something else."
    )


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        (
            {"the cellar": 13, "the attic": 5, "the hut": 1, "the tower": 1},
            "I would say the cellar 7 in 10, the attic 3 in 10, the hut 1 in 10 or something else.",
        ),
        ({"the cellar": 20}, "I would say the cellar 10 in 10."),
        ({"the cellar": 24, "the attic": 1}, "I would say the cellar 10 in 10 or something else."),
        (
            {f"the room {n}": 1 for n in range(25)},
            "I would say the room 0 0 in 10 or something else.",
        ),
    ],
)
def test_shares_in_tenths(sizes: dict[str, int], text: str) -> None:
    (rationale,) = TemplateRationaleWriter(shares="tenths").write([(question(), clusters(sizes))])

    assert rationale is not None and rationale.text == text


def test_an_only_answer() -> None:
    assert write({"the cellar": 20}) == "I would usually say the cellar."


def test_nothing_is_invented_about_nothing() -> None:
    assert TemplateRationaleWriter().write([(question(), [])]) == [None]


@pytest.mark.parametrize(
    ("share", "adverb"),
    [
        *((1.0, "usually"), (0.7, "usually"), (14 / 20, "usually"), (0.69, "often")),
        *((0.4, "often"), (0.39, "sometimes"), (0.15, "sometimes"), (0.14, "rarely")),
        *((0.001, "rarely"), (7 * 0.1, "usually"), (3 * 0.05, "sometimes")),
    ],
)
def test_adverbs(share: float, adverb: str) -> None:
    assert how_often(share) == adverb


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=6).map(lambda n: sorted(n, reverse=True)),
    st.integers(1, 5),
)
def test_true_to_the_clusters(sizes: list[int], most: int) -> None:
    places = ("attic", "barn", "cellar", "office", "tower", "stable")
    given_sizes = dict(zip((f"the {place}" for place in places), sizes, strict=False))

    text = write(given_sizes, most)

    named = [(answer, adverb) for adverb, answer in NAMED.findall(text)]
    assert [answer for answer, _ in named] == list(given_sizes)[:most]
    least = dict((adverb, share) for share, adverb in HOW_OFTEN)
    bounds = [1.01, *(share for share, _ in HOW_OFTEN)]
    for answer, adverb in named:
        share = given_sizes[answer] / sum(sizes)
        below = bounds[bounds.index(least[adverb], 1) - 1]
        assert least[adverb] - 1e-6 <= share < below
    assert ("something else" in text) == (len(sizes) > most)
    assert text.startswith("I would ")
    assert text.endswith(".")
