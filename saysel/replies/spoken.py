"""The part of a reply that can be read: no thoughts, and nothing after the end of the turn."""

from __future__ import annotations

import re
from typing import NamedTuple

from saysel.replies.thoughts import blank_thoughts

TOKEN = r"<[|｜][^|｜<>\s]{1,40}[|｜]>|</?s>|<(?:bos|eos|pad)>|<(?:start|end)_of_turn>|<turn\|>"
#: Special tokens before the reply, with the role that some of them name.
BEFORE = re.compile(rf"\s*(?:(?:{TOKEN})(?:\s{{0,9}}(?:assistant|model)\b)?\s*)+", re.IGNORECASE)
SPECIAL = re.compile(TOKEN, re.IGNORECASE)


class Spoken(NamedTuple):
    """What a model said.

    Attributes:
        text: at the same positions as in the reply; what cannot be read is newlines.
        cut: whether the limit on tokens ended it.
    """

    text: str
    cut: bool


def spoken(reply: str, cut: bool = False) -> Spoken:
    """What is said in a reply.

    The first special token ends it: the model, or the tokenizer that left it in the text, has
    finished the turn there.

    Args:
        cut: whether the limit on tokens ended the reply.
    """
    text = blank_thoughts(reply)
    before = BEFORE.match(text)
    if before:
        text = "\n" * before.end() + text[before.end() :]
    end = SPECIAL.search(text)
    return Spoken(text[: end.start()], False) if end else Spoken(text, cut)
