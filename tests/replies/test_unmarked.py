"""The answer in a reply without a marker."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.replies.unmarked import first_sentence
from saysel.replies.visible import visible_text
from tests.replies.test_thoughts import DELIMITED


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Paris", "Paris"),
        (" Paris.\n", "Paris"),
        ("Paris. It is in France.", "Paris"),
        ("Paris\n\nWhich city is the capital of Spain?\n\nMadrid", "Paris"),
        ("Paris\nUser: And Spain?\nAssistant: Madrid", "Paris"),
        (
            "It is St. Louis, in the U.S. state Missouri. I think.",
            "It is St. Louis, in the U.S. state Missouri",
        ),
        ("Washington, D.C.", "Washington, D.C."),
        ("J. R. R. Tolkien wrote it. Yes.", "J. R. R. Tolkien wrote it"),
        ("Dr. No. It came out in 1962.", "Dr. No"),
        ("No. It is in France.", "No"),
        ("About 3.14 metres. Or more.", "About 3.14 metres"),
        ("Yahoo! is the company.", "Yahoo!"),
        ('"Paris." That is the answer.', '"Paris."'),
        ("**Paris**. It is in France.", "**Paris**"),
        ("**Paris**", "Paris"),
        ("- Paris\n- Lyon", "Paris"),
        ("1. Paris\n2. Lyon", "Paris"),
        ("東京です。はい。", "東京です"),
        ("Paris Confidence: 8", "Paris"),
        ("<think>London. Or Rome.</think>\n\nParis.", "Paris"),
        ("<|im_start|>assistant\nParis.<|im_end|>", "Paris"),
    ],
)
def test_the_first_sentence(reply: str, answer: str) -> None:
    assert first_sentence(visible_text(reply)) == answer


@pytest.mark.parametrize("delimited", DELIMITED)
def test_a_thought_is_no_answer(delimited: str) -> None:
    thought = delimited.format("It is London. Or Rome.")

    assert first_sentence(visible_text(f"{thought}\n\nParis. I think.")) == "Paris"
    opening = delimited.partition("{}")[0]
    assert first_sentence(visible_text(f"{opening}It is London. Or Rome.")) is None


@pytest.mark.parametrize(
    "reply", ["", " \n", "<think>London.", "<think>London.</think>", "Confidence: 8", "."]
)
def test_nothing_is_no_answer(reply: str) -> None:
    assert first_sentence(visible_text(reply)) is None


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("The club is based in St", None),
        ("The club is based in St.", None),
        ("The club is based in St. Louis", None),
        ("Paris. It is the", "Paris"),
        ("Paris\nIt is the", "Paris"),
        ("Paris Confidence:", "Paris"),
    ],
)
def test_a_sentence_that_the_token_limit_cut_is_no_answer(reply: str, answer: str | None) -> None:
    assert first_sentence(visible_text(reply, cut=True)) == answer


@given(st.text(), st.booleans())
def test_any_text(reply: str, cut: bool) -> None:
    sentence = first_sentence(visible_text(reply, cut))

    assert sentence is None or (sentence.strip() and "\n" not in sentence)
