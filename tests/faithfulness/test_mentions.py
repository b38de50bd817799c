from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.faithfulness.made_up import made_up
from saysel.faithfulness.mentions import MAX_WORDS, named, words

KNOWN = {
    words(text)
    for text in (
        *("the attic", "New York", "New York City", "Zürich", "no", "1,000", "13", "14", "1"),
        *("Vitamin A", "A", "दिन"),
    )
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I would often say the attic, sometimes Zurich.", ["the attic", "Zürich"]),
        ("ATTIC! Attic? An attic.", ["attic"]),
        ("New York City, or New York", ["New York City", "New York"]),
        ("a new, york", ["new york"]),
        ("1000 or so", ["1,000"]),
        ("a thousand or so", ["1,000"]),
        ("thirteen, or 14", ["13", "fourteen"]),
        ("the attics of Newyork", []),
        ("there is no doubt", []),
        ("one of them is right, the other one is not", []),
        ("one, or 1.0", ["1"]),
        ("It is vitamin A or a vitamin. A is right.", ["Vitamin A"]),
        ("a vitamin, or दान", []),
        ("", []),
    ],
)
def test_an_answer_is_named_where_its_words_occur_in_a_row(text: str, found: list[str]) -> None:
    assert named(text, KNOWN) == [words(answer) for answer in found]


@pytest.mark.parametrize(
    "form",
    [
        *("Surely not {}.", "It is the barn, not {}.", "I don't think it is {}.", "It isn't {}."),
        *("{} is not the answer.", "{} isn't it.", "{} is impossible.", "{} can be ruled out."),
        *("The barn rather than {}.", "The barn instead of {}.", "I ruled out {}.", "Never {}."),
        *("I would not say {}.", "{} cannot be right.", "It was neither the barn nor {}."),
        *("The barn, and certainly not {}.", "{} is wrong."),
    ],
)
@pytest.mark.parametrize("name", ["the attic", "New York", "thirteen"])
def test_a_denied_answer_is_not_named(form: str, name: str) -> None:
    text = form.format(name)

    assert named(text, KNOWN) == []
    assert named(text, KNOWN, denied=True) == [words(name)]


@pytest.mark.parametrize(
    "form",
    [
        *("Maybe {}.", "I am not sure whether it is {}.", "I could not rule out {}.", "Or {}."),
        *("I do not know if it is {}.", "Not the barn but {}.", "Not only {}.", "No doubt {}."),
        *("{} is unlikely.", "{} is not impossible.", "It is not certain that it is {}."),
        *(
            "Surely not {}. On second thoughts, maybe {}.",
            "Not the barn, {}.",
            "{}, I am not sure.",
        ),
        *("I cannot say whether it is {}.", "I am not certain, sometimes {}."),
    ],
)
@pytest.mark.parametrize("name", ["the attic", "New York", "thirteen"])
def test_being_unsure_denies_nothing(form: str, name: str) -> None:
    assert named(form.format(name, name), KNOWN) == [words(name)]


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

    assert set(named(text, known)) <= set(named(text, known, denied=True)) <= known - {()}
    assert not made_up(text, known) & set(named(text, known))


def test_very_long_answers_are_never_named() -> None:
    known = {words("word " * size) for size in (1, MAX_WORDS, MAX_WORDS + 1)}

    assert {len(name) for name in named("word " * 200, known)} == {MAX_WORDS}


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("Perhaps Port Louis, or the attic.", ["Port Louis"]),
        ("It could be Lyon.", ["Lyon"]),
        ("Lyon, Nice or Metz.", ["Lyon", "Nice", "Metz"]),
        ("Maybe 1815, sometimes 1816.", ["1815", "1816"]),
        ("either “the big barn” or something else", ["the big barn"]),
        ("I would usually say the attic, rarely the old barn or something else.", ["the old barn"]),
        ("Or the Duke of York", ["the Duke of York"]),
        # Known, denied, context, the question's own words, or no name at all.
        ("Maybe New York City, or Zurich, or thirteen.", []),
        ("It is not sometimes Lyon.", []),
        ("It is surely not Rome or Turin.", []),
        ("It is not Rome, Milan or Turin.", []),
        ("Not Rome, Milan, or Turin, but the attic.", []),
        ("It isn't Rome or 1815. Lyon, Nice or Metz.", ["Lyon", "Nice", "Metz"]),
        ("I am not sure whether Rome, Milan or Turin.", ["Rome", "Milan", "Turin"]),
        ("Not the attic, but Rome or Turin.", ["Rome", "Turin"]),
        ("Paris, which is in France.", []),
        ("It could be the Kettle.", []),
        ("I am not sure, or I forgot. Maybe I am wrong.", []),
        ("Perhaps it is so, or the other way round, or the opposite.", []),
    ],
)
def test_made_up_alternatives(text: str, unknown: list[str]) -> None:
    assert made_up(text, KNOWN, "Where is the kettle?") == {words(name) for name in unknown}


@pytest.mark.parametrize("ending", [".", ", or elsewhere.", ", not Canada.", " But who knows?"])
def test_initials_name_an_answer_wherever_they_stand(ending: str) -> None:
    known = {words("USA"), words("US"), words("Canada")}

    assert named(f"Perhaps the U.S.A.{ending}", known) == [words("USA")]
    assert named(f"Perhaps the U.S.{ending}", known) == [words("US")]
    assert words("U.S.A.") == words("USA")
