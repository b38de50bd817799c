"""Token counts of prompts, estimated from their text without a tokenizer."""

from __future__ import annotations

from saysel.records import Message, Prompt

#: Typical tokens of a chat turn in addition to its text, such as its role.
LIKELY_TOKENS_PER_TURN = 4
#: More tokens than any chat template adds to a turn.
MAX_TOKENS_PER_TURN = 16
#: Bytes of UTF-8 text that one token stands for, on average in English.
LIKELY_BYTES_PER_TOKEN = 4


def likely_prompt_tokens(prompt: Prompt) -> int:
    """How many tokens a prompt probably has."""
    return sum(LIKELY_TOKENS_PER_TURN + _bytes(turn) // LIKELY_BYTES_PER_TOKEN for turn in prompt)


def max_prompt_tokens(prompt: Prompt) -> int:
    """More tokens than a prompt can have: no tokenizer splits a byte."""
    return sum(MAX_TOKENS_PER_TURN + _bytes(turn) for turn in prompt)


def _bytes(turn: Message) -> int:
    return len(turn["content"].encode("utf-8", "replace"))
