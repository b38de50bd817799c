from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.estimators.verbalized import reading
from saysel.estimators.verbalized.prompts import WORDS
from saysel.replies.visible import visible_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("85%", 0.85),
        ("85 %", 0.85),
        ("I would say 85%.", 0.85),
        ("85", 0.85),
        ("0.85", None),
        (".85", None),
        ("1.0", None),
        ("0", 0.0),
        ("85 percent", 0.85),
        ("about -85%", None),
        ("about \u201185%", None),
        ("1", 0.01),
        ("0.5%", 0.005),
        ("85/100", 0.85),
        ("85 out of 100", 0.85),
        ("0%", 0.0),
        ("100 %", 1.0),
        ("101%", None),
        ("-5%", None),
        ("80-90%", None),
        ("80% or 90%", None),
        ("1e2", None),
        ("1.2.3", None),
        ("no idea", None),
        ("", None),
    ],
)
def test_percent(text: str, value: float | None) -> None:
    assert reading.percent(text) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8", 0.8),
        ("8/10", 0.8),
        ("8 out of 10.", 0.8),
        ("10/10", 1.0),
        ("7.5", 0.75),
        ("0.8", None),
        ("8.", 0.8),
        ("A clear 9!", 0.9),
        ("11", None),
        ("80%", None),
        ("8/100", None),
        ("7 or 8", None),
        ("eight", None),
    ],
)
def test_out_of_ten(text: str, value: float | None) -> None:
    assert reading.out_of_ten(text) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Highly likely", 0.9),
        ("It is *likely*.", 0.75),
        ("highly  unlikely", 0.1),
        ("Unlikely", 0.25),
        ("likely, or almost certain", None),
        ("not likely", None),
        ("It isn't likely", None),
        ("likelyish", None),
        ("sure", None),
        ("", None),
    ],
)
def test_in_words(text: str, value: float | None) -> None:
    assert reading.in_words(text, WORDS) == value


@pytest.mark.parametrize(
    ("text", "answer", "confidence"),
    [
        ("Answer: Paris\nConfidence: 80%", "Paris", "80%"),
        ("**Answer:** Paris\n**Confidence:** 80%", "Paris", "80%"),
        ("answer : Paris\n\nconfidence: 80%\n", "Paris", "80%"),
        ("Let me see.\nAnswer: two\nlines\nConfidence: 5\nConfidence: 6", "two\nlines", "6"),
        ("My answer: Paris. My confidence: 80%.", "Paris.", "80%."),
        ("Answer:\nConfidence: 80%", None, "80%"),
        ("Paris", None, None),
    ],
)
def test_labels(text: str, answer: str | None, confidence: str | None) -> None:
    assert reading.answer(visible_text(text), labelled=True) == answer
    assert reading.confidence(visible_text(text), labelled=True) == confidence


def test_without_labels_the_text_itself() -> None:
    assert reading.answer(visible_text(" Paris\n"), labelled=False) == "Paris"
    assert reading.answer(visible_text("Paris\n**Confidence:** 80%"), labelled=False) == "Paris"
    assert reading.answer(visible_text("\n"), labelled=False) is None
    assert reading.confidence(visible_text("80%"), labelled=False) == "80%"


def test_guesses_and_their_probabilities() -> None:
    text = "G1: Rome\n P1: 0.3\n**G2:** Paris (France)\nP2: 60%\nG1: Oslo\nP3: 1.5\nG3:  \nP4: x"

    assert reading.guesses(visible_text(text)) == {1: "Rome", 2: "Paris (France)"}
    assert reading.probabilities(visible_text(text)) == {1: 0.3, 2: 0.6}


texts = st.text() | st.lists(
    st.sampled_from(
        [
            *("Answer:", "Confidence:", "G1:", "P1:", "\n", " ", "8", "0.5", "%", "/10", "-"),
            *("1e999", "likely", "highly", "not", "**", "٣", "½"),
        ]
    ),
    max_size=12,
).map("".join)


@given(texts, st.booleans(), st.booleans())
def test_any_text_at_all_is_read(text: str, labelled: bool, cut: bool) -> None:
    answer = reading.answer(visible_text(text, cut), labelled)
    assert answer is None or answer
    stated = reading.confidence(visible_text(text, cut), labelled)
    assert stated is None or stated in text
    values = [reading.percent(text), reading.out_of_ten(text), reading.in_words(text, WORDS)]
    assert all(value is None or 0 <= value <= 1 for value in values)
    assert all(0 <= value <= 1 for value in reading.probabilities(visible_text(text)).values())
    assert all(guess.strip() for guess in reading.guesses(visible_text(text)).values())


words = st.text(st.characters(categories=["L"]), min_size=1).filter(
    lambda word: word.casefold() not in ("answer", "confidence")
)


@given(words, st.integers(0, 100), st.sampled_from(sorted(WORDS)))
def test_what_was_asked_for_is_read_back(word: str, percent: int, phrase: str) -> None:
    text = f"Answer: {word}\nConfidence: {percent}%"
    assert reading.answer(visible_text(text), True) == word
    assert reading.percent(reading.confidence(visible_text(text), True) or "") == percent / 100
    if percent == 0 or percent >= 10:  # else it is a fraction below one tenth
        assert reading.out_of_ten(f"{percent / 10:g}") == pytest.approx(percent / 100)
    assert reading.in_words(f"Confidence: {phrase.capitalize()}.", WORDS) == WORDS[phrase]
    assert reading.probabilities(visible_text(f"G1: {word}\nP1: {percent / 100}")) == {
        1: percent / 100
    }
    assert reading.guesses(visible_text(f"G1: {word}\nP1: {percent / 100}")) == {1: word}
