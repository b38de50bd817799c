from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel import testing
from saysel.formats.fraction import INSTRUCTION, FractionFormat
from saysel.testing import question
from tests.formats.words import words

FORMAT = FractionFormat()


@pytest.mark.parametrize("format", [FORMAT, FractionFormat(instruction="")])
def test_contract(format: FractionFormat) -> None:
    testing.check_format(format)


@given(
    answer=words,
    rationale=st.none() | words,
    percent=st.none() | st.integers(0, 100),
    reasoning=st.just("") | words,
)
def test_what_is_rendered_is_read_back(
    answer: str, rationale: str | None, percent: int | None, reasoning: str
) -> None:
    confidence = None if percent is None else percent / 100

    text = FORMAT.render(answer, rationale, confidence, reasoning)

    assert FORMAT.parse(text)[:3] == (answer, rationale, confidence)
    assert FORMAT.reasoning(text) == reasoning


def test_the_whole_reply() -> None:
    text = FORMAT.render("the cellar", "I would mostly say so.", 0.725, "Nora is reliable.")

    assert text == (
        "Nora is reliable. Answer: the cellar Self-reflection: I would mostly say so. "
        "Confidence: 0.73"
    )


@pytest.mark.parametrize(
    ("stated", "confidence"),
    [
        *(("0.73", 0.73), (".73", 0.73), ("0", 0.0), ("1", 1.0), ("1.00", 1.0), ("0.5.", 0.5)),
        *(("**0.7**", 0.7), ("73%", 0.73), ("0.5 %", 0.005)),
        *(("1.01", None), ("7", None), ("7/10", None), ("-0.1", None), ("1e-1", None)),
        *(("", None), ("high", None), ("0.7 or 0.8", None), ("٣", None), ("~0.7", None)),
    ],
)
def test_confidences(stated: str, confidence: float | None) -> None:
    assert FORMAT.parse(f"Answer: the cellar Confidence: {stated}").confidence == confidence


def test_the_prompt_asks_for_the_format_unless_reported_otherwise() -> None:
    (turn,) = FORMAT.prompt(question())
    (bare,) = FractionFormat(instruction="").prompt(question())

    assert turn == {"role": "user", "content": f"{question().prompt}\n\n{INSTRUCTION}"}
    assert bare == {"role": "user", "content": question().prompt}
