from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel import testing
from saysel.formats.percent import INSTRUCTION, PercentFormat
from saysel.testing import question
from tests.formats.words import words

FORMAT = PercentFormat()


@pytest.mark.parametrize("format", [FORMAT, PercentFormat(require_sign=False, instruction="")])
def test_contract(format: PercentFormat) -> None:
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


@given(st.floats(0, 1))
def test_confidences_are_rounded_to_the_nearest_percent(confidence: float) -> None:
    read = FORMAT.parse(FORMAT.render("yes", None, confidence)).confidence

    assert read is not None
    assert abs(read - confidence) <= 0.005 + 1e-9


@given(
    st.lists(
        st.sampled_from(["Answer:", "Confidence:", "**", "7", "%", "-", ".", " ", "\n", "٣", "1e9"])
        | st.text(max_size=5),
        max_size=12,
    ).map("".join)
)
def test_no_text_makes_it_fail(text: str) -> None:
    parsed = FORMAT.parse(text)

    assert parsed.confidence is None or 0 <= parsed.confidence <= 1
    for part in parsed[:2]:
        assert part is None or part == part.strip() != ""
    assert isinstance(FORMAT.reasoning(text), str)


def test_the_whole_reply() -> None:
    text = FORMAT.render("the cellar", "I would mostly say so.", 0.725, "Nora is reliable.")

    assert text == (
        "Nora is reliable. Answer: the cellar Self-reflection: I would mostly say so. "
        "Confidence: 73%"
    )


@pytest.mark.parametrize(
    ("stated", "confidence"),
    [
        *(("73%", 0.73), ("73 %", 0.73), ("0%", 0.0), ("100%.", 1.0), ("99.5%", 0.995)),
        *(("**80%**", 0.8), (" 8% \n", 0.08)),
        *(("101%", None), ("1000%", None), ("-1%", None), ("", None), ("high", None)),
        *(("80% to 90%", None), ("٣%", None), ("1e1%", None), ("0.73", None), ("73", None)),
    ],
)
def test_confidences(stated: str, confidence: float | None) -> None:
    assert FORMAT.parse(f"Answer: the cellar Confidence: {stated}").confidence == confidence


@pytest.mark.parametrize(("stated", "confidence"), [("73", 0.73), ("73%", 0.73), ("1", 0.01)])
def test_the_sign_can_be_optional(stated: str, confidence: float) -> None:
    read = PercentFormat(require_sign=False).parse(f"Answer: x Confidence: {stated}")

    assert read.confidence == confidence


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("", (None, None, None)),
        ("Paris", (None, None, None)),
        ("**Answer:** Paris\n**Confidence:** 73%", ("Paris", None, 0.73)),
        ("ANSWER: Paris\n\nconfidence: 73%", ("Paris", None, 0.73)),
        ("**Answer**: Paris\n**Confidence**: 73%", ("Paris", None, 0.73)),
        ("Answer: Paris", ("Paris", None, None)),
        ("Answer: Confidence: 4%", (None, None, 0.04)),
        ("Confidence: 40%", (None, None, 0.4)),
        ("Answer: Rome Self-reflection: Or Paris. Confidence: 30%", ("Rome", "Or Paris.", 0.3)),
        ("Confidence: 90% is too much. Answer: Rome Confidence: 30%", ("Rome", None, 0.3)),
        ("Answer: Rome Confidence: 30% I am not sure.", ("Rome", None, None)),
    ],
)
def test_other_replies(text: str, parsed: tuple[str | None, str | None, float | None]) -> None:
    assert FORMAT.parse(text)[:3] == parsed


def test_the_prompt_asks_for_the_format_unless_reported_otherwise() -> None:
    (turn,) = FORMAT.prompt(question())
    (bare,) = PercentFormat(instruction="").prompt(question())

    assert turn == {"role": "user", "content": f"{question().prompt}\n\n{INSTRUCTION}"}
    assert bare == {"role": "user", "content": question().prompt}
