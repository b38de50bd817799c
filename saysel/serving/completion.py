"""Chat completions as the OpenAI API writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from saysel.serving.model import ServedReply


def choice(number: int, reply: ServedReply, described: Mapping[str, Any]) -> dict[str, Any]:
    """One reply of a completion."""
    return {
        "index": number,
        "message": {
            "role": "assistant",
            "content": reply.text,
            "refusal": None,
            "saysel": described,
        },
        "logprobs": None,
        "finish_reason": "length" if reply.cut else "stop",
    }


def completion(
    head: Mapping[str, Any], choices: Sequence[dict[str, Any]], usage: Mapping[str, int]
) -> dict[str, Any]:
    """The answer to a request that is not streamed."""
    return {**head, "object": "chat.completion", "choices": choices, "usage": usage}


def chunk(
    head: Mapping[str, Any],
    number: int,
    delta: Mapping[str, Any],
    finish_reason: str | None = None,
) -> dict[str, Any]:
    """One event of a stream."""
    one = {"index": number, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {**head, "object": "chat.completion.chunk", "choices": [one]}


def usage(replies: Sequence[ServedReply]) -> dict[str, int]:
    """Tokens of a request; its prompt counts once."""
    prompt, reply = replies[0].prompt_tokens, sum(reply.tokens for reply in replies)
    return {"prompt_tokens": prompt, "completion_tokens": reply, "total_tokens": prompt + reply}
