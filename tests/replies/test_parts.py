"""Labelled fields, as models that were not trained on them write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from saysel.formats.sayself import SaySelfFormat
from saysel.registry import build

FORMAT = SaySelfFormat()
CASES = Path(__file__).parents[3] / "shared" / "cases" / "replies.jsonl"

#: Ways to set off a label and its value.
DECORATIONS = [
    "{label}: {value}",
    "{label} : {value}",
    "{label}：{value}",
    "{label}:\n{value}",
    "**{label}:** {value}",
    "**{label}**: {value}",
    "**{label}: {value}**",
    "**{label}:** **{value}**",
    "***{label}:*** {value}",
    "*{label}:* {value}",
    "__{label}:__ {value}",
    "<b>{label}:</b> {value}",
    "### {label}: {value}",
    "## {label}\n{value}",
    "### **{label}**\n{value}",
    "**{label}**\n\n{value}",
    "- {label}: {value}",
    "* **{label}**: {value}",
    "• {label}: {value}",
    "1. **{label}:** {value}",
    "> {label}: {value}",
    "> **{label}:** {value}",
]
CASINGS = [str, str.upper, str.lower, str.title]
SEPARATORS = ["\n", "\n\n", "\r\n", "\n\n---\n\n", "  \n"]
REFLECTIONS = ["Self-reflection", "Self-Reflection", "Self reflection", "Self–reflection"]
TURN_ENDS = ["", "<|im_end|>", "</s>", "<|eot_id|>", "<end_of_turn>", "<|endoftext|>", "<|return|>"]
AFTERWARDS = ["", "\n", "\n\nI hope that this helps!", "<|im_end|>\n<|im_start|>user\nAnd Italy?"]


@given(
    decoration=st.sampled_from(DECORATIONS),
    case=st.sampled_from(CASINGS),
    separator=st.sampled_from(SEPARATORS),
    answer=st.sampled_from(["Paris", "42", "A*", "C++", "x_1", "in the cellar", "__init__", "-3"]),
    labels=st.tuples(
        st.sampled_from(["Answer", "Final Answer", "My answer", "The final answer is"]),
        st.sampled_from(REFLECTIONS),
        st.sampled_from(["Confidence", "Confidence score", "Confidence (0-10)"]),
    ),
    end=st.sampled_from([*TURN_ENDS, *AFTERWARDS]),
    lead=st.sampled_from(["", "Let me think.\n\n", "It has many names: Lutetia, and others.\n"]),
)
def test_decorated_labels(
    decoration: str,
    case: object,
    separator: str,
    answer: str,
    labels: tuple[str, str, str],
    end: str,
    lead: str,
) -> None:
    assert callable(case)
    values = (answer, "I am not sure.", "9")
    text = separator.join(
        decoration.format(label=case(label), value=value)
        for label, value in zip(labels, values, strict=True)
    )

    parsed = FORMAT.parse(lead + text + end)

    assert parsed[:3] == (answer, "I am not sure.", 0.9), lead + text + end


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        # A reply may correct itself: the last answer counts, with what follows it.
        ("I think the answer: Rome? No. Answer: Paris Confidence: 9", ("Paris", None, 0.9)),
        ("Answer: Rome Confidence: 3 No. Answer: Paris Confidence: 9", ("Paris", None, 0.9)),
        (
            "Answer: Rome\nSelf-reflection: Hm.\nFinal answer: Paris\nConfidence: 9",
            ("Paris", None, 0.9),
        ),
        ("Confidence: 9\nAnswer: Paris", ("Paris", None, None)),
        # What a reflection also names is not the answer, and its words are no labels.
        (
            "Answer: Rome Self-reflection: Answer: Paris is close. Confidence: 3",
            ("Rome", "Answer: Paris is close.", 0.3),
        ),
        (
            "Answer: Rome Self-reflection: low confidence: old. Confidence: 3",
            ("Rome", "low confidence: old.", 0.3),
        ),
        (
            "Answer: Rome Self-reflection: my self-confidence: low. Confidence: 3",
            ("Rome", "my self-confidence: low.", 0.3),
        ),
        # Another order of the parts.
        ("Answer: Paris\nConfidence: 9\nSelf-reflection: I read it.", ("Paris", "I read it.", 0.9)),
        ("Self-reflection: I read it.\nAnswer: Paris\nConfidence: 9", ("Paris", "I read it.", 0.9)),
        # A model that continues with another question has already replied.
        (
            "Answer: Paris\nConfidence: 9\n\nQuestion: And Italy?\nAnswer: Rome\nConfidence: 2",
            ("Paris", None, 0.9),
        ),
        ("Question: Which?\nAnswer: Paris\nConfidence: 9", ("Paris", None, 0.9)),
        ("My answer is Paris. My confidence is 9.", (None, None, None)),
        ("Answer\nConfidence", (None, None, None)),
    ],
)
def test_which_label_counts(text: str, parsed: tuple[str | None, str | None, float | None]) -> None:
    assert FORMAT.parse(text)[:3] == parsed


@pytest.mark.parametrize("name", ["sayself", "percent", "fraction"])
@given(
    st.lists(
        st.sampled_from(["Answer", "Self-reflection", "Confidence", ":", "**", "\n", "#", " ", "9"])
        | st.sampled_from(["Final ", "- ", "1. ", "：", "<b>", "Paris", "%", "0."]),
        max_size=14,
    ).map("".join)
)
@example("**Answer:** Paris\n**Confidence:** 8")
def test_no_marker_is_in_the_answer(name: str, text: str) -> None:
    answer = build("format", name).parse(text).answer

    if answer is not None:
        folded = answer.casefold()
        assert "answer:" not in folded and "confidence:" not in folded, answer
        assert "answer：" not in folded and "self-reflection:" not in folded, answer


CUT = [
    ("Answer: Paris Self-reflection: I am sure. Confidence: 1", ("Paris", "I am sure.", None)),
    ("Answer: Paris Self-reflection: I am sure. Confidence: 9/1", ("Paris", "I am sure.", None)),
    ("Answer: Paris Self-reflection: I am sure. Confi", ("Paris", None, None)),
    ("Answer: Pari", (None, None, None)),
    ("Answer: Paris\nConfidence: 9\n", ("Paris", None, 0.9)),
    ("Answer: Paris\nConfidence: 9\nSelf-reflection: I am", ("Paris", None, 0.9)),
    ("Answer: Paris Confidence: 9<|im_end|>", ("Paris", None, 0.9)),
]


@pytest.mark.parametrize(("text", "parsed"), CUT)
def test_the_part_that_was_cut_is_missing(
    text: str, parsed: tuple[str | None, str | None, float | None]
) -> None:
    assert FORMAT.parse(text, cut=True)[:3] == parsed


@pytest.mark.parametrize("name", ["sayself", "percent", "fraction", "tags"])
@given(st.floats(0, 1), st.integers(1, 80))
def test_a_cut_reply_states_no_other_number(name: str, confidence: float, size: int) -> None:
    format = build("format", name)
    text = format.render("Paris", "I am sure.", confidence)
    whole = format.parse(text)

    for part, complete in zip(format.parse(text[:size], cut=True), whole, strict=True):
        assert part in (None, complete)


@pytest.mark.skipif(not CASES.is_file(), reason="the shared cases are not beside the repository")
def test_shared_cases() -> None:
    for line in CASES.read_text().splitlines():
        case = json.loads(line)
        parsed = build("format", case["format"]).parse(case["reply"])
        expected = (case["expected_answer"], case["expected_confidence"])
        assert (parsed.answer, parsed.confidence) == expected, case
