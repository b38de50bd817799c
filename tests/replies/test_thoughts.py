"""Text inside a thought is never read, however the model delimits it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saysel.interfaces import Format
from saysel.registry import build
from saysel.registry.builtins import saysel_formats
from saysel.replies.thoughts import blank_thoughts, end_of_open_thought, open_thought

#: A thought between its delimiters, as reasoning models write it.
DELIMITED = [
    "<think>{}</think>",
    "<THINK>{}</Think>",
    "<thinking>{}</thinking>",
    "<thought>{}</thought>",
    "<reasoning>{}</reasoning>",
    "<scratchpad>{}</scratchpad>",
    "<inner_monologue>{}</inner_monologue>",
    '<think budget="100">{}</think>',
    "<seed:think>{}</seed:think>",
    "<chain_of_thought>{}</chain_of_thought>",
    "[THINK]{}[/THINK]",
    "◁think▷{}◁/think▷",
    "<|begin_of_thought|>{}<|end_of_thought|>\n<|begin_of_solution|>",
    "<|START_THINKING|>{}<|END_THINKING|><|START_RESPONSE|>",
    "<|channel|>analysis<|message|>{}<|end|><|start|>assistant<|channel|>final<|message|>",
    "analysisLet me see. {}assistantfinal",
    "<|channel>thought\n{}<channel|>",
    "<unused94>thought\n{}<unused95>",
    "Here is my thought process:\n{}\nHere is my response:\n",
    "Here are my reasoning steps:\n{}\n[BEGIN FINAL RESPONSE]\n",
    "<think>a</think> <think>{}</think>",
    "<think>a <think>b</think> {}</think>",
    "<think>What does <reasoning> mean? {}</think>",
]
#: The end of a thought that the prompt has opened.
ENDS = ["</think>", "</thinking>", "[/THINK]", "◁/think▷", "<|end_of_thought|>", "</seed:think>"]
#: All formats of the package; a new one is covered at once.
FORMATS = sorted(saysel_formats())


def reply(format: Format, answer: str, confidence: float) -> str:
    return format.render(answer, "I am not sure.", confidence)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("delimited", DELIMITED)
def test_thoughts_are_not_visible(name: str, delimited: str) -> None:
    format = build("format", name)
    thought = delimited.format(reply(format, "London", 0.3))

    said = format.parse(f"{thought}\n{reply(format, 'Paris', 0.9)}")

    assert said[:3] == ("Paris", "I am not sure.", 0.9)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("end", ENDS)
def test_a_thought_that_the_prompt_opened(name: str, end: str) -> None:
    format = build("format", name)
    thought = reply(format, "London", 0.3)

    said = format.parse(f"{thought}\n{end}\n\n{reply(format, 'Paris', 0.9)}")

    assert said[:3] == ("Paris", "I am not sure.", 0.9)
    assert format.parse(thought + end)[:3] == (None, None, None)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("delimited", DELIMITED)
@pytest.mark.parametrize("cut", [False, True])
def test_of_a_thought_that_was_cut_nothing_is_read(name: str, delimited: str, cut: bool) -> None:
    format = build("format", name)
    opening = delimited.partition("{}")[0]

    parsed = format.parse(opening + reply(format, "London", 0.3), cut=cut)

    assert parsed[:3] == (None, None, None)


@pytest.mark.parametrize("name", FORMATS)
def test_thoughts_between_and_within_the_parts(name: str) -> None:
    format = build("format", name)
    text = reply(format, "Paris", 0.9)
    thought = f"<think>{reply(format, 'London', 0.3)}</think>"

    for place in [0, *(place for place, character in enumerate(text) if character == " ")]:
        with_thought = text[:place] + thought + text[place:]
        parsed = format.parse(with_thought)
        assert parsed.answer in ("Paris", None), with_thought
        assert "London" not in (parsed.rationale or ""), with_thought
        assert parsed.confidence in (0.9, None), with_thought


@given(st.lists(st.sampled_from(["<think>", "</think>", "<thought>", "</thought>", "a", "\n"])))
def test_positions_stay_the_same(pieces: list[str]) -> None:
    text = "".join(pieces)

    said = blank_thoughts(text)

    assert len(said) == len(text)
    assert all(there in ("\n", character) for there, character in zip(said, text, strict=True))
    assert "<" not in said


@pytest.mark.parametrize(
    ("prompt", "reply", "opening"),
    [
        ("<|im_start|>assistant\n<think>\n", "Answer: Rome", "<think>\n"),
        ("<|im_start|>assistant\n<think>\n", "Hm.</think>\nAnswer: Rome", ""),
        ("<|im_start|>assistant\n<think>\n\n</think>\n\n", "Answer: Rome", ""),
        ("Think inside <think></think>.<|im_start|>assistant\n", "Answer: Rome", ""),
        ("Begin with <think> and end.<|im_start|>assistant\n", "Answer: Rome", ""),
        ("[INST]Why?[/INST][THINK]", "Answer: Rome", "[THINK]\n"),
        ("Why?\n\n", "Answer: Rome", ""),
    ],
)
def test_a_thought_that_the_prompt_opens_and_the_reply_does_not_end(
    prompt: str, reply: str, opening: str
) -> None:
    assert open_thought(prompt, reply) == opening


@pytest.mark.parametrize(
    "text",
    [
        "Answer: 3 < 4 Self-reflection: I think so. Confidence: 9",
        "I was thinking. Answer: <b>Paris</b> Confidence: 9",
        "Answer: a <tag> Confidence: 9",
        "Answer: [think tank] Confidence: 9",
    ],
)
def test_what_only_looks_like_a_thought_is_visible(text: str) -> None:
    assert blank_thoughts(text) == text


@pytest.mark.parametrize(
    "opening",
    [
        *("<think>", "<think>\n", '<think budget="1">', "[THINK]", "◁think▷", "<seed:think>"),
        *("<|begin_of_thought|>", "<|START_THINKING|>", "<|think_start|>", "<unused94>"),
        *("<|channel>thought\n", "<THINK>"),
    ],
)
def test_the_end_of_a_thought_that_the_prompt_opened(opening: str) -> None:
    ended = opening + end_of_open_thought(f"Why?\n{opening}", "Answer: Rome")

    assert blank_thoughts(f"{ended}Answer: Rome").strip() == "Answer: Rome"
    assert end_of_open_thought(f"Why?\n{opening}", f"{ended}Answer: Rome"[len(opening) :]) == ""
