"""The marker of the confidence that a format reads, among all that a text contains."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.interfaces import Format, Parsed
from saysel.interfaces.confidence_marker import MAX_MARKERS
from saysel.records import Message, Question
from saysel.registry import build

BUILT_IN = ("fraction", "percent", "sayself", "tags")
CONTINUED = "\n\nQuestion: Capital of Spain?\nAnswer: Madrid Confidence: 2"


def format_named(name: str) -> Format:
    format = build("format", name)
    assert isinstance(format, Format)
    return format


class Lines(Format):
    """A confidence is all of the text after the first marker that follows the last answer."""

    confidence_marker: ClassVar[str] = "\nConfidence: "
    confidences: ClassVar[Mapping[str, float]] = {str(k): k / 10 for k in range(11)}

    def prompt(self, question: Question) -> list[Message]:
        return [{"role": "user", "content": question.prompt}]

    def render(self, answer: str, rationale: Any, confidence: Any, reasoning: str = "") -> str:
        return f"Answer: {answer}\nConfidence: {10 * confidence:.0f}"

    def parse(self, text: str, cut: bool = False) -> Parsed:
        answer, _, number = text.rpartition("Answer: ")[2].partition(self.confidence_marker)
        return Parsed(answer or None, None, self.confidences.get(number))

    def reasoning(self, text: str) -> str:
        return ""


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("confidence", [0.0, 0.1, 0.5, 1.0])
def test_the_only_marker_of_a_rendered_response(name: str, confidence: float) -> None:
    format = format_named(name)
    text = format.render("Paris", "Or Lyon.", confidence, "Let me think.")

    end = format.marker_end(text)

    assert end == text.index(format.confidence_marker) + len(format.confidence_marker)
    assert format.marker_end(format.render("Paris", "Or Lyon.", None)) is None
    assert format.marker_end("") is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # The model continues with another question, or starts over.
        ("sayself", f"Answer: Paris Self-reflection: sure. Confidence:@ 9{CONTINUED}"),
        ("sayself", f"Answer: Paris Confidence:@ high{CONTINUED}{CONTINUED}"),
        ("sayself", "Answer: Rome Confidence: 3 No. Answer: Paris Confidence:@ 9"),
        ("sayself", "Answer: Rome Self-reflection: low Confidence: old. Confidence:@ 3"),
        ("sayself", "Answer: Paris Confidence:@ 9<|im_end|>\nConfidence: 2"),
        ("sayself", "<think>Confidence: 1</think>Answer: Paris Confidence:@ 9"),
        ("sayself", "**Answer:** Paris\n**Confidence:@** 9"),
        ("percent", "Answer: Rome Confidence: 30% No. Answer: Paris Confidence:@ 90%\nConfidence"),
        ("fraction", f"Answer: Paris Confidence:@ 0.9{CONTINUED}"),
        # An analysis may quote a confidence.
        (
            "tags",
            "<answer>Paris</answer><confidence>@0.9</confidence> "
            "<analysis>I could say <confidence>0.2</confidence></analysis>",
        ),
        ("tags", "<confidence>0.2</confidence> No, <confidence>@0.9</confidence>"),
        ("tags", "<answer>Paris</answer><confidence>@7"),
    ],
)
@pytest.mark.parametrize("cut", [False, True])
def test_the_marker_that_is_read_among_several(name: str, text: str, cut: bool) -> None:
    before, _, after = text.partition("@")

    assert format_named(name).marker_end(before + after, cut=cut) == len(before)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sayself", "Answer: Rome Confidence: 3\nAnswer: Paris"),
        ("sayself", "Answer: Paris\n**Confidence**: 9"),
        ("sayself", "Answer: Paris\nSelf-reflection: my Confidence: is low\n**Confidence**: 9"),
        ("sayself", "<think>Confidence: 9</think>Answer: Paris"),
        ("tags", "<answer>Paris</answer><analysis><confidence>0.2</confidence></analysis>"),
        (
            "tags",
            "<CONFIDENCE>0.9</CONFIDENCE> <analysis><confidence>0.2</confidence></analysis>",
        ),
    ],
)
def test_a_marker_whose_number_is_not_read_does_not_count(name: str, text: str) -> None:
    assert format_named(name).marker_end(text) is None


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("Answer: A\nConfidence: 7", "Answer: A\nConfidence: "),
        ("Answer: A\nConfidence: high", "Answer: A\nConfidence: "),
        ("Answer: A\nConfidence: 9\nConfidence: 3", "Answer: A\nConfidence: "),
        ("Answer: A\nConfidence: 9\nAnswer: B", None),
    ],
)
def test_a_format_that_reads_up_to_the_end(text: str, before: str | None) -> None:
    assert Lines().marker_end(text) == (before and len(before))


class JsonObject(Lines):
    """The beginning of a reply has no answer: without its last brace it is no JSON."""

    confidence_marker: ClassVar[str] = '"confidence":'
    confidences: ClassVar[Mapping[str, float]] = {f" {k / 10}}}": k / 10 for k in range(11)}

    def parse(self, text: str, cut: bool = False) -> Parsed:
        try:
            reply = json.loads(text)
        except ValueError:
            return Parsed(None, None, None)
        return Parsed(reply["answer"], None, reply["confidence"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"answer": "A", "confidence":@ 0.7}', True),
        ('{"confidence": 0.2, "answer": "A", "confidence":@ 0.7}', True),
        ('{"answer": "A", "confidence":@ 0.7', False),
    ],
)
def test_a_format_that_reads_nothing_before_the_end(text: str, found: bool) -> None:
    before, _, after = text.partition("@")

    assert JsonObject().marker_end(before + after) == (len(before) if found else None)


@pytest.mark.parametrize("name", ["sayself", "percent", "fraction"])
@given(
    st.lists(
        st.sampled_from(["Answer:", "Self-reflection:", "Confidence:", "Question:", "**", "\n"])
        | st.sampled_from([" 9", " 3%", " 0.4", " Paris", "confidence: 2", ". ", "<think>"]),
        max_size=14,
    ).map("".join)
)
def test_the_confidence_after_it_is_the_one_that_is_parsed(name: str, text: str) -> None:
    format = format_named(name)

    end = format.marker_end(text)

    if end is not None:
        assert text[:end].endswith(format.confidence_marker)
        for stated, value in list(format.confidences.items())[:3]:
            assert format.parse(f"{text[:end]}{stated}\n{text[end:]}").confidence == value


@pytest.mark.parametrize("markers_before", [0, MAX_MARKERS // 2 - 1])
def test_of_thousands_of_markers_the_first_ones_are_tried(markers_before: int) -> None:
    """A model that repeats itself writes that many."""
    before = "Confidence: high, " * markers_before + "Answer: A Confidence:"
    text = before + " 3" + "\n\nQuestion: B?\nAnswer: B Confidence: 4" * 2000

    assert format_named("sayself").marker_end(text) == len(before)
