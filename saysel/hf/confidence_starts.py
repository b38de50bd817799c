"""Which token of a finished reply is the first of its confidence."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from saysel.hf.chat import decode_replies
from saysel.hf.generation import Reply
from saysel.interfaces import Format


def confidence_starts(
    tokenizer: Any,
    format: Format,
    prompts: Sequence[Sequence[int]],
    replies: Sequence[Reply],
    texts: Sequence[str],
) -> list[int | None]:
    """The number of tokens of each reply before the confidence that the format reads.

    These are the tokens up to and including the marker, see `Format.marker_end`. If the last of
    them also contains a letter or digit of the confidence, it counts as part of the confidence.

    Args:
        prompts: token ids.
        texts: of the replies, see `decode_replies`.

    Returns:
        `None` for replies without such a marker.
    """
    starts: list[int | None] = []
    for prompt, reply, text in zip(prompts, replies, texts, strict=True):
        end = format.marker_end(text, cut=reply.cut)
        starts.append(None if end is None else _start(tokenizer, prompt, reply.tokens, text, end))
    return starts


def at_confidences(
    tokenizer: Any,
    format: Format,
    prompts: Sequence[Sequence[int]],
    replies: Sequence[Reply],
    texts: Sequence[str],
) -> list[Reply]:
    """The replies with `marker_end` at the marker of the confidence that the format reads.

    Args:
        prompts, texts: see `confidence_starts`.
    """
    starts = confidence_starts(tokenizer, format, prompts, replies, texts)
    return [
        replace(reply, marker_end=len(reply.tokens) if start is None else start)
        for reply, start in zip(replies, starts, strict=True)
    ]


def _start(
    tokenizer: Any, prompt: Sequence[int], tokens: Sequence[int], text: str, end: int
) -> int:
    """The number of tokens before a position in the text of a reply."""

    def decoded(size: int) -> str:
        return decode_replies(tokenizer, [prompt], [tokens[:size]])[0]

    # The text grows with the tokens: find the first token after which it reaches the position.
    size = bisect_left(
        range(len(tokens)), True, key=lambda size: decoded(size).startswith(text[:end])
    )
    return size - any(character.isalnum() for character in decoded(size)[end:])
