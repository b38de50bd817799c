"""Training examples as tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from saysel import hf
from saysel.errors import StageError
from saysel.interfaces import TrainingData


class EncodedExample(NamedTuple):
    """A training example as token ids.

    Attributes:
        prompt, reply: the reply ends with the token that ends a text.
        confidence_start: number of tokens of the reply up to and including the format's marker; of
            the whole reply if it declines, and so has no marker.
        confidence: that the reply states, in [0, 1], not rounded; `None` if it declines.
    """

    prompt: list[int]
    reply: list[int]
    confidence_start: int
    confidence: float | None


def encoded_examples(tokenizer: Any, data: TrainingData, max_length: int) -> list[EncodedExample]:
    """The examples that have at most `max_length` tokens; the number of the others is logged.

    A truncated example would teach to state no confidence and not to stop.

    Raises:
        StageError: there are no examples, or all of them are too long.
    """
    examples = data.examples()
    if not examples:
        raise StageError(
            "sft: there are no examples to train on: run the stages up to target first"
        )
    chats = [example.prompt for example in examples]
    texts = [example.completion + tokenizer.eos_token for example in examples]
    prompts = hf.encode(tokenizer, chats)
    texts = hf.without_thoughts(tokenizer, chats, texts)
    replies = hf.encode_replies(tokenizer, texts)
    starts = _confidence_starts(tokenizer, texts, data.format.confidence_marker)
    encoded = [
        EncodedExample(prompt, reply, start, example.confidence)
        for prompt, reply, start, example in zip(prompts, replies, starts, examples, strict=True)
    ]
    kept = [one for one in encoded if len(one.prompt) + len(one.reply) <= max_length]
    if not kept:
        raise StageError(
            f"sft: all {len(examples)} examples are longer than {max_length} tokens: "
            "raise max_length"
        )
    if len(kept) < len(examples):
        data.log(step=0, too_long=len(examples) - len(kept))
    return kept


def _confidence_starts(tokenizer: Any, texts: Sequence[str], marker: str) -> list[int]:
    """The number of tokens of each text up to and including its last marker, if it has one."""
    parts = [text.rpartition(marker) for text in texts]
    beginnings = [
        before + found or text for (before, found, _), text in zip(parts, texts, strict=True)
    ]
    return [len(ids) for ids in hf.encode_replies(tokenizer, beginnings)]
