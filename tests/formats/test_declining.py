"""Replies that decline to answer, in every format that comes with saysel."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from saysel import testing
from saysel.interfaces import Format, Parsed
from saysel.plan.fingerprint import identity
from saysel.registry import build
from saysel.replies.declining import declines
from saysel.testing import question
from tests.formats.words import words

NAMES = ("fraction", "percent", "sayself", "tags")
PHRASE = "I don't know"


def declining(name: str, phrase: str = PHRASE) -> Format:
    format = build("format", {"use": name, "decline": phrase})
    assert isinstance(format, Format)
    return format


@pytest.mark.parametrize("name", NAMES)
def test_contract(name: str) -> None:
    testing.check_format(declining(name))


@pytest.mark.parametrize("name", NAMES)
@given(
    phrase=words.filter(lambda text: any(character.isalpha() for character in text)),
    answer=words,
    rationale=st.none() | words,
    tenths=st.none() | st.integers(0, 10),
)
def test_only_the_phrase_declines(
    name: str, phrase: str, answer: str, rationale: str | None, tenths: int | None
) -> None:
    assume(not declines(answer, phrase))
    format = declining(name, phrase)
    confidence = None if tenths is None else tenths / 10

    declined = format.parse(format.render(phrase, rationale, confidence))
    answered = format.parse(format.render(answer, rationale, confidence))

    assert declined == Parsed(None, rationale, None, declined=True)
    assert answered == Parsed(answer, rationale, confidence)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("answer", "is_declined"),
    [
        *(("I don't know.", True), ("i do not know", True), ("**I don’t know!**", True)),
        *(("I don't know, perhaps Rome", False), ("I know", False), ("unknown", False)),
    ],
)
def test_wordings_of_the_phrase(name: str, answer: str, is_declined: bool) -> None:
    format = declining(name)

    assert format.parse(format.render(answer, None, None)).declined == is_declined
    assert not build("format", name).parse(format.render(answer, None, None)).declined  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
def test_a_phrase_that_was_cut_declines_nothing(name: str) -> None:
    format = declining(name)
    text = format.render(PHRASE, None, None)

    assert not format.parse(text[: text.index("know") + len("know")], cut=True).declined


def test_contractions_are_the_same_as_their_words() -> None:
    assert declines("I'm not sure", "I am not sure.")
    assert declines("I cannot answer", "I can't answer")
    assert not declines("I can answer", "I can't answer")
    assert not declines(None, PHRASE) and not declines(PHRASE, None)


def test_the_instruction_allows_to_decline() -> None:
    plain, may = build("format", "sayself"), declining("sayself")
    assert isinstance(plain, Format)
    (before,), (after,) = plain.prompt(question()), may.prompt(question())
    own = {"use": "sayself", "decline": PHRASE}

    assert after["content"] == (
        f'{before["content"]} If you do not know the answer, write "{PHRASE}" as the answer.'
    )
    for instruction in ("", f"Answer, or say {PHRASE}."):
        format = build("format", {**own, "instruction": instruction})
        assert isinstance(format, Format)
        (turn,) = format.prompt(question())
        assert turn["content"] == f"{question().prompt}\n\n{instruction}".strip()


def test_fingerprints_of_formats_that_cannot_decline_stay() -> None:
    assert "decline" not in identity(build("format", "sayself"))["options"]
    assert identity(declining("sayself"))["options"]["decline"] == PHRASE


def test_a_phrase_without_words_is_refused() -> None:
    with pytest.raises(Exception, match="decline"):
        declining("sayself", "???")
