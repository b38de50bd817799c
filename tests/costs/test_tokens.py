from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from saysel.costs.tokens import likely_prompt_tokens, max_prompt_tokens
from saysel.records import Message


def chat(*contents: str) -> list[Message]:
    return [{"role": "user", "content": content} for content in contents]


def test_four_bytes_count_as_a_token_and_each_turn_as_four_more() -> None:
    assert likely_prompt_tokens(chat("a" * 40)) == 14
    assert likely_prompt_tokens(chat("ä" * 20, "")) == 18  # two bytes each
    assert likely_prompt_tokens([]) == 0


@given(st.lists(st.text()))
def test_the_maximum_counts_every_byte(contents: list[str]) -> None:
    prompt = chat(*contents)
    bytes_of_text = sum(len(content.encode("utf-8", "replace")) for content in contents)

    assert likely_prompt_tokens(prompt) <= max_prompt_tokens(prompt)
    assert max_prompt_tokens(prompt) >= bytes_of_text
