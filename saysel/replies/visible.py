"""The visible part of a reply: without thoughts, and up to the end of the turn."""

from __future__ import annotations

import re
from typing import NamedTuple

from saysel.replies.thoughts import blank_thoughts

TOKEN = r"<[|｜][^|｜<>\s]{1,40}[|｜]>|</?s>|<(?:bos|eos|pad)>|<(?:start|end)_of_turn>|<turn\|>"
#: Special tokens before the reply, with the role that follows some of them.
BEFORE = re.compile(rf"\s*(?:(?:{TOKEN})(?:\s{{0,9}}(?:assistant|model)\b)?\s*)+", re.IGNORECASE)
SPECIAL = re.compile(TOKEN, re.IGNORECASE)


class VisibleText(NamedTuple):
    """The visible part of a reply.

    Attributes:
        text: at the same positions as in the reply; everything else is replaced by newlines.
        cut: whether the token limit cut it.
    """

    text: str
    cut: bool


def visible_text(reply: str, cut: bool = False) -> VisibleText:
    """The visible part of a reply.

    It ends at the first special token, where the model has ended its turn.

    Args:
        cut: whether the token limit cut the reply.
    """
    text = blank_thoughts(reply)
    before = BEFORE.match(text)
    if before:
        text = "\n" * before.end() + text[before.end() :]
    end = SPECIAL.search(text)
    return VisibleText(text[: end.start()], False) if end else VisibleText(text, cut)
