"""Prompts as a tokenizer's chat template writes them, and the texts of replies."""

from __future__ import annotations

from typing import Any

import pytest

from saysel import hf
from saysel.errors import DataError
from saysel.interfaces import Prompt
from saysel.records import ModelRef
from saysel.registry import build
from saysel.samplers.transformers import TransformersSampler

USER: Prompt = [{"role": "user", "content": " Why  is it so? "}]
SYSTEM: Prompt = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Why?"},
]
TURNS = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
REFUSES = "{% if messages[0].role == 'system' %}{{ raise_exception('none') }}{% endif %}"
#: As processors of vision-language models write it.
PARTS = (
    "{% for m in messages %}<{{ m.role }}>{% for p in m.content %}{% if p.type == 'text' %}"
    "{{ p.text }}{% endif %}{% endfor %}{% endfor %}<assistant>"
)
STRICT_PARTS = PARTS.replace("p.type == 'text'", "p['type'] + '' == 'text'")


@pytest.fixture
def tokenizer(small_model: ModelRef) -> Any:
    return hf.load_tokenizer(small_model)


@pytest.mark.parametrize(
    ("template", "written"),
    [
        (TURNS, "<system>Be brief.<user>Why?<assistant>"),
        (REFUSES + TURNS, "<user>Be brief.\n\nWhy?<assistant>"),
        (
            "{% for m in messages if m.role != 'system' %}<{{ m.role }}>{{ m.content }}"
            "{% endfor %}<assistant>",
            "<user>Be brief.\n\nWhy?<assistant>",
        ),
        (PARTS, "<system>Be brief.<user>Why?<assistant>"),
        (STRICT_PARTS, "<system>Be brief.<user>Why?<assistant>"),
        (REFUSES + PARTS, "<user>Be brief.\n\nWhy?<assistant>"),
    ],
    ids=["has a system role", "refuses it", "leaves it out", "parts", "strict parts", "both"],
)
def test_all_that_is_asked_is_in_the_prompt(template: str, written: str, tokenizer: Any) -> None:
    tokenizer.chat_template = template

    assert hf.render(tokenizer, SYSTEM) == written


@pytest.mark.parametrize(
    "template", [PARTS, STRICT_PARTS, TURNS, TURNS.replace("t }}", "t|trim }}")]
)
def test_a_question_survives_every_kind_of_template(template: str, tokenizer: Any) -> None:
    tokenizer.chat_template = template

    assert "Why  is it so?" in hf.render(tokenizer, USER)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ raise_exception('never') }}", "never"),
        ("{{ messages[7].content }}", "has no"),
        ("{{ 1 + messages[0].role }}", "unsupported operand"),
        ("{{ messages[0].content.nowhere() }}", "has no attribute 'nowhere'"),
        ("<user><assistant>", "it leaves out the user's turn"),
        ("{{ messages[0].content[:5] }}<assistant>", "it leaves out the user's turn"),
        ("{% for", "unexpected 'end of template'"),
    ],
)
@pytest.mark.parametrize("prompt", [USER, SYSTEM], ids=["user", "system"])
def test_a_template_that_cannot_be_used_is_one_line(
    template: str, reason: str, prompt: Prompt, tokenizer: Any
) -> None:
    tokenizer.chat_template = template

    with pytest.raises(DataError, match=reason) as raised:
        hf.render(tokenizer, prompt)

    message = str(raised.value)
    assert message.startswith(f"{tokenizer.name_or_path}: the chat template cannot be used: ")
    assert "\n" not in message


def test_what_the_assistant_thought_may_be_left_out(tokenizer: Any) -> None:
    tokenizer.chat_template = TURNS.replace("m.content", "m.content.split('</think>')[-1]")
    chat: Prompt = [*USER, {"role": "assistant", "content": "Hm.</think>So."}, *USER]

    assert "Hm." not in hf.render(tokenizer, chat)


def test_a_thought_that_the_prompt_opens_and_the_limit_cuts_says_nothing(
    small_model: ModelRef, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer.chat_template = "{{ messages[0].content }}<think>\n"
    (prompt,) = hf.encode(tokenizer, [USER])
    thought = "Answer: London Confidence: 3"
    texts = [thought, f"{thought}</think> Answer: Paris Confidence: 9"]

    decoded = hf.decode_replies(tokenizer, [prompt] * 2, hf.encode_replies(tokenizer, texts))

    assert decoded[0] == "<think>\n" + thought and decoded[1] == texts[1]
    read = [build("format", "sayself").parse(text).answer for text in decoded]
    assert read == [None, "Paris"]
    # The sampler decodes in the same way.
    lm, _ = hf.resident(small_model)
    monkeypatch.setattr("saysel.hf.resident", lambda ref: (lm, tokenizer))
    ((reply,),) = TransformersSampler(max_tokens=3).sample(small_model, [USER], 1, 0)
    assert reply.text.startswith("<think>\n") and reply.cut


def test_special_tokens_that_delimit_thoughts_are_kept(tokenizer: Any) -> None:
    tokenizer.add_special_tokens({"additional_special_tokens": ["[THINK]", "[/THINK]", "<|x|>"]})
    text = "[THINK]Answer: London[/THINK]Answer: Paris"
    (ids,) = hf.encode_replies(tokenizer, [text + "<|x|>"])

    (decoded,) = hf.decode_replies(tokenizer, [[]], [[*ids, tokenizer.eos_token_id]])

    assert decoded == text
    assert build("format", "sayself").parse(decoded).answer == "Paris"


FEW: Prompt = [*USER, {"role": "assistant", "content": "Because."}, *USER]


def test_without_a_template_a_reply_follows_its_question(tokenizer: Any) -> None:
    tokenizer.chat_template = None
    prompt = hf.render(tokenizer, FEW)

    assert prompt == " Why  is it so? \nBecause.\n\n Why  is it so? \n"
    assert hf.render(tokenizer, SYSTEM) == "Be brief.\n\nWhy?\n\n"
    assert hf.end_of_turn(tokenizer, [USER, FEW]) == "\n\n"
    assert hf.end_of_turn(tokenizer, [USER, SYSTEM]) is None
    tokenizer.chat_template = TURNS
    assert hf.end_of_turn(tokenizer, [FEW]) is None


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("Because.\n\nWhy not?\n\nNo.", "Because."),
        ("\n\nBecause.\n\nWhy not?", "\n\nBecause."),
        ("Because\nit is.", "Because\nit is."),
        ("\n\n", "\n\n"),
    ],
)
def test_what_follows_the_end_of_a_reply_is_left_out(reply: str, text: str, tokenizer: Any) -> None:
    ids = hf.encode_replies(tokenizer, [reply])

    (found,) = hf.decode_replies(tokenizer, [[5]], ids, "\n\n")

    assert found.split() == text.split()


def test_a_template_that_leaves_out_earlier_replies(tokenizer: Any) -> None:
    tokenizer.chat_template = (
        "{% for m in messages if m.role != 'assistant' %}<{{ m.role }}>{{ m.content }}"
        "{% endfor %}<assistant>"
    )

    with pytest.raises(DataError, match="it leaves out earlier replies"):
        hf.render(tokenizer, FEW)


def test_a_given_reply_is_no_thought(tokenizer: Any) -> None:
    tokenizer.chat_template = TURNS + "<think>\n"
    texts = ["Right", "Hm.</think>\nRight"]

    open_, scored = hf.encode(tokenizer, [USER, USER]), hf.encode(tokenizer, [USER, USER], texts)
    ended = tokenizer.decode(scored[0])

    assert scored[1] == open_[1] and ended.startswith(tokenizer.decode(open_[0]))
    assert ended.split("<think>")[1].split() == ["</think>"]
    learned = hf.without_thoughts(tokenizer, [USER, USER], texts)
    assert learned == ["\n</think>\n\nRight", texts[1]]
    tokenizer.chat_template = TURNS
    assert hf.encode(tokenizer, [USER], ["Right"]) == hf.encode(tokenizer, [USER])
    assert hf.without_thoughts(tokenizer, [USER], ["Right"]) == ["Right"]
