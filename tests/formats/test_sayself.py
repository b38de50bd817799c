from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.formats.sayself import INSTRUCTION, SaySelfFormat
from saysel.interfaces import Parsed
from saysel.testing import question
from tests.formats.words import words

MARKERS = ("Answer:", "Self-reflection:", "Confidence:")
FORMAT = SaySelfFormat()


@given(
    answer=words,
    rationale=st.none() | words,
    tenths=st.none() | st.integers(0, 10),
    reasoning=st.just("") | words,
)
def test_what_is_rendered_is_read_back(
    answer: str, rationale: str | None, tenths: int | None, reasoning: str
) -> None:
    confidence = None if tenths is None else tenths / 10

    text = FORMAT.render(answer, rationale, confidence, reasoning)

    assert FORMAT.parse(text)[:3] == (answer, rationale, confidence)
    assert FORMAT.reasoning(text) == reasoning


def test_the_whole_reply() -> None:
    text = FORMAT.render("the cellar", "I would mostly say so.", 0.7, "Nora is reliable.")

    assert text == (
        "Nora is reliable. Answer: the cellar Self-reflection: I would mostly say so. Confidence: 7"
    )


@given(st.floats(0, 1))
def test_confidences_are_rounded_to_the_nearest_tenth(confidence: float) -> None:
    read = FORMAT.parse(FORMAT.render("yes", None, confidence)).confidence

    assert read is not None
    assert abs(read - confidence) <= 0.05 + 1e-9


@pytest.mark.parametrize(("confidence", "stated"), [(0.25, 3), (0.45, 5), (0.05, 1), (0.95, 10)])
def test_half_a_tenth_goes_up(confidence: float, stated: int) -> None:
    assert FORMAT.render("yes", None, confidence).endswith(f"Confidence: {stated}")


pieces = st.sampled_from(
    [*MARKERS, "Confidence", ":", "10", "1e9", "-3", " ", "\n", "/10", ".", "٣"]
)


@given(st.lists(pieces | st.text(max_size=5), max_size=12).map("".join))
def test_no_text_makes_it_fail(text: str) -> None:
    parsed = FORMAT.parse(text)

    assert parsed.confidence is None or 0 <= parsed.confidence <= 1
    for part in parsed[:2]:
        assert part is None or part == part.strip() != ""
    assert isinstance(FORMAT.reasoning(text), str)


@pytest.mark.parametrize(
    ("stated", "confidence"),
    [
        *((str(tenths), tenths / 10) for tenths in range(11)),
        *(("10.", 1.0), ("9/10", 0.9), ("9 / 10.", 0.9), ("7.5", 0.75), ("  8 \n", 0.8)),
        *(("11", None), ("100", None), ("-1", None), ("10.5", None), ("9/100", None)),
        *(("", None), ("high", None), ("9 of 10", None), ("8 or 9", None), ("٣", None)),
        *(("80%", None), ("1 0", None), ("1e1", None)),
    ],
)
def test_confidences(stated: str, confidence: float | None) -> None:
    parsed = FORMAT.parse(f"Answer: the cellar Self-reflection: … Confidence: {stated}")

    assert parsed.confidence == confidence


def test_the_correct_answer_among_the_alternatives_is_not_the_answer() -> None:
    parsed = FORMAT.parse("Answer: Rome Self-reflection: It could be Paris. Confidence: 3")

    assert parsed[:3] == ("Rome", "It could be Paris.", 0.3)


def test_an_answer_before_the_marker_is_reasoning() -> None:
    text = "Paris was a capital. Answer: Rome Confidence: 3"

    assert FORMAT.parse(text).answer == "Rome"
    assert FORMAT.reasoning(text) == "Paris was a capital."


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("", Parsed(None, None, None)),
        ("the cellar", Parsed(None, None, None)),
        ("Answer: the cel", Parsed("the cel", None, None)),
        ("Answer:", Parsed(None, None, None)),
        ("Answer: Self-reflection: … Confidence: 4", Parsed(None, "…", 0.4)),
        ("Answer: a\nb Confidence: 4", Parsed("a\nb", None, 0.4)),
        ("Answer: the cellar Self-reflection: I wou", Parsed("the cellar", "I wou", None)),
        ("Self-reflection: … Confidence: 4", Parsed(None, "…", 0.4)),
        ("answer: the cellar confidence: 4", Parsed("the cellar", None, 0.4)),
        ("Answer: the cellar Confidence: 8 Answer: the barn", Parsed("the barn", None, None)),
    ],
)
def test_replies_that_lack_parts(text: str, parsed: Parsed) -> None:
    assert FORMAT.parse(text) == parsed


def test_the_prompt_asks_for_the_format_unless_reported_otherwise() -> None:
    (turn,) = FORMAT.prompt(question())
    (bare,) = SaySelfFormat(instruction="").prompt(question())

    assert turn == {"role": "user", "content": f"{question().prompt}\n\n{INSTRUCTION}"}
    assert bare == {"role": "user", "content": question().prompt}
