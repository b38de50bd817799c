from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.mentions import named, words

KNOWN = {
    words(text) for text in ("the attic", "New York", "New York City", "Zürich", "no", "1,000")
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I would often say the attic, sometimes Zurich.", ["the attic", "Zürich"]),
        ("ATTIC! Attic? An attic.", ["attic"]),
        ("New York City, not New York", ["New York City", "New York"]),
        ("a new, york", ["new york"]),
        ("1000 or so", ["1,000"]),
        ("the attics of Newyork", []),
        ("", []),
        # What it cannot see.
        ("surely not the attic", ["attic"]),
        ("there is no doubt", ["no"]),
    ],
)
def test_an_answer_is_named_where_its_words_stand_in_a_row(text: str, found: list[str]) -> None:
    assert named(text, KNOWN) == [words(answer) for answer in found]


def test_nothing_is_named_where_nothing_is_known() -> None:
    assert named("the attic", set()) == []
    assert words("The") == () and named("the the", {()}) == []


names = st.lists(st.sampled_from(["red", "blue", "new york", "york"]), max_size=5)


@given(names, st.sets(st.sampled_from(["red", "blue", "new york", "york"])))
def test_every_listed_answer_that_is_known_is_found_once(said: list[str], known: set[str]) -> None:
    found = named(" or ".join(said), {words(answer) for answer in known})

    assert len(set(found)) == len(found)
    assert set(found) <= {words(answer) for answer in known}
    assert {words(answer) for answer in known & set(said)} <= set(found)


@given(st.text(max_size=60), st.lists(st.text(max_size=8), max_size=4))
def test_any_text_can_be_read(text: str, answers: list[str]) -> None:
    known = {words(answer) for answer in answers}

    assert set(named(text, known)) <= known - {()}
