"""The first token of the confidence that a format reads from a finished reply."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from saysel import hf
from saysel.formats.sayself import SaySelfFormat
from saysel.formats.tags import TagsFormat
from saysel.hf.generation import Reply
from saysel.interfaces import Format
from tests.hf.test_confidence_tokens import bytewise
from tests.hf.test_decoding import TEXT, sentencepiece

FORMAT = SaySelfFormat()
CONTINUED = (
    "Answer: Paris Self-reflection: sure. Confidence: 9\n\n"
    "Question: Capital of Spain?\nAnswer: Madrid Confidence: 2"
)
QUOTED = (
    "<answer>Paris</answer><confidence>0.9</confidence> "
    "<analysis>I could say <confidence>0.2</confidence></analysis>"
)
BYTES = bytewise()


def starts(tokenizer: Any, format: Format, *texts: str) -> list[tuple[str, str] | None]:
    """The texts of the tokens before the confidence and of the others."""
    replies = [
        Reply([*tokenizer(text, add_special_tokens=False)["input_ids"], 0], 0.0, 0)
        for text in texts
    ]
    prompts = [[1, 2, 3]] * len(texts)
    decoded = hf.decode_replies(tokenizer, prompts, [reply.tokens for reply in replies])
    assert decoded == list(texts)
    found = hf.confidence_starts(tokenizer, format, prompts, replies, decoded)
    return [
        None
        if start is None
        else (tokenizer.decode(reply.tokens[:start]), tokenizer.decode(reply.tokens[start:-1]))
        for reply, start in zip(replies, found, strict=True)
    ]


@pytest.mark.parametrize("tokenizer", [BYTES, bytewise("ĠConfidence", "ĠMadrid", "Ġ9")])
def test_it_is_that_of_the_parsed_confidence(tokenizer: Any) -> None:
    before = "Answer: Paris Self-reflection: sure. Confidence:"
    plain = "Answer: café Confidence: 3"

    assert starts(tokenizer, FORMAT, CONTINUED, plain, "Answer: Paris", "") == [
        (before, CONTINUED.removeprefix(before)),
        ("Answer: café Confidence:", " 3"),
        None,
        None,
    ]
    assert starts(tokenizer, TagsFormat(), QUOTED) == [
        ("<answer>Paris</answer><confidence>", QUOTED.partition("<confidence>")[2])
    ]


def test_a_mark_that_the_last_token_of_the_marker_contains_is_no_part_of_the_confidence() -> None:
    tokenizer = bytewise(":**", "Ġ9")

    found = starts(tokenizer, FORMAT, "**Answer:** Paris\n**Confidence:** 9")

    assert found == [("**Answer:** Paris\n**Confidence:**", " 9")]


class Spaced(SaySelfFormat):
    """The space before the confidence is part of the marker."""

    confidence_marker: ClassVar[str] = "Confidence: "
    confidences: ClassVar[dict[str, float]] = {str(k): k / 10 for k in range(11)}


@pytest.mark.parametrize("tokenizer", [bytewise("Ġ7"), sentencepiece(bytes_fall_back=True)])
def test_a_token_with_the_end_of_the_marker_and_the_confidence_belongs_to_it(
    tokenizer: Any,
) -> None:
    assert starts(tokenizer, FORMAT, TEXT) == starts(tokenizer, Spaced(), TEXT)
    assert starts(BYTES, Spaced(), TEXT) == [("Answer: Paris Your Confidence: ", "7")]
