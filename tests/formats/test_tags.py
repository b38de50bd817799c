from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel import testing
from saysel.formats.tags import INSTRUCTION, TagsFormat
from saysel.testing import question
from tests.formats.words import words

FORMAT = TagsFormat()


@pytest.mark.parametrize("format", [FORMAT, TagsFormat(instruction="")])
def test_contract(format: TagsFormat) -> None:
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
def test_confidences_are_rounded_to_the_nearest_hundredth(confidence: float) -> None:
    read = FORMAT.parse(FORMAT.render("yes", None, confidence)).confidence

    assert read is not None
    assert abs(read - confidence) <= 0.005 + 1e-9


TAGS = [f"<{slash}{tag}>" for tag in ("think", "answer", "confidence") for slash in ("", "/")]


@given(st.lists(st.sampled_from([*TAGS, "0.7", "%", "-", "1e9"]) | st.text(max_size=5)))
def test_no_text_makes_it_fail(pieces: list[str]) -> None:
    text = "".join(pieces)
    parsed = FORMAT.parse(text)

    assert parsed.confidence is None or 0 <= parsed.confidence <= 1
    for part in parsed[:2]:
        assert part is None or part == part.strip() != ""
    assert isinstance(FORMAT.reasoning(text), str)


def test_the_whole_reply() -> None:
    text = FORMAT.render("the cellar", "Doris disagrees.", 0.725, "Nora is reliable.")

    assert text == (
        "<think>Nora is reliable.</think> <answer>the cellar</answer> "
        "<analysis>Doris disagrees.</analysis> <confidence>0.73</confidence>"
    )


@pytest.mark.parametrize(
    ("stated", "confidence"),
    [
        *(("0.73", 0.73), (" 0.73\n", 0.73), (".5", 0.5), ("1", 1.0), ("1.", 1.0), ("0", 0.0)),
        *(("73%", 0.73), ("73 %", 0.73), ("0.5%", 0.005)),
        *(("73", None), ("7/10", None), ("1.01", None), ("101%", None), ("-0.1", None)),
        *(("", None), ("high", None), ("0.7 or 0.8", None), ("٣", None), ("1e-1", None)),
    ],
)
def test_confidences(stated: str, confidence: float | None) -> None:
    text = f"<answer>x</answer><confidence>{stated}</confidence>"

    assert FORMAT.parse(text).confidence == confidence


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("", (None, None, None)),
        ("Paris 0.7", (None, None, None)),
        ("<answer>Paris</answer>\n<confidence>0.7</confidence>\nBye.", ("Paris", None, 0.7)),
        ("<answer></answer><confidence>0.7</confidence>", (None, None, 0.7)),
        ("<answer>Paris</answer><confidence>0.7", ("Paris", None, None)),
        ("<answer>Par", (None, None, None)),
        ("Paris</answer>", (None, None, None)),
        # What is thought is not said, also where the prompt has opened the thought.
        ("<think><answer>Rome</answer></think><answer>Paris</answer>", ("Paris", None, None)),
        ("Rome? <answer>Rome</answer></think><answer>Paris</answer>", ("Paris", None, None)),
        ("<think><answer>Rome</answer></think>", (None, None, None)),
        ("<answer>Rome</answer> No: <answer>Paris</answer>", ("Paris", None, None)),
    ],
)
def test_other_replies(text: str, parsed: tuple[str | None, str | None, float | None]) -> None:
    assert FORMAT.parse(text)[:3] == parsed


def test_reasoning_without_its_tag_is_the_text_before_the_answer() -> None:
    assert FORMAT.reasoning("Nora says so. <answer>the cellar</answer>") == "Nora says so."
    assert FORMAT.reasoning("Nora says so.") == ""


def test_the_prompt_asks_for_the_format_unless_reported_otherwise() -> None:
    (turn,) = FORMAT.prompt(question())
    (bare,) = TagsFormat(instruction="").prompt(question())

    assert turn == {"role": "user", "content": f"{question().prompt}\n\n{INSTRUCTION}"}
    assert bare == {"role": "user", "content": question().prompt}
