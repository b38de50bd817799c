"""Options of a multiple-choice question: "A", "(A)", "A) bank", "Option A which is : bank"."""

from __future__ import annotations

import re
from typing import NamedTuple

#: A label and what it stands for. The label is one capital, or any letter in brackets.
LABELLED = re.compile(
    r"(?:(?:option|choice|answer)\b:? ?)?(?:\(([A-Za-z])\)[:.]?|([A-Z])[):.\]]|([a-z])\)) ?(.*)",
    re.IGNORECASE | re.DOTALL,
)
NAMED = re.compile(
    r"(?:option|choice|answer)\b:? ?\(?([A-Za-z])\)?\b(?:,? which is ?:?| ?[:.)-])? ?(.*)",
    re.IGNORECASE | re.DOTALL,
)
EXPLAINED = re.compile(r"([A-Z]),? (?:because|since|as|which)\b.*", re.DOTALL)


class Option(NamedTuple):
    """A letter in upper case and the text that it stands for; the text may be empty."""

    letter: str
    text: str


def option(text: str) -> Option | None:
    """The option that a text is; `None` if it has no label."""
    text = " ".join(text.split()).strip("*_`\"' ")
    if len(text) == 1 and text.isalpha() and text.isupper():
        return Option(text, "")
    if match := NAMED.fullmatch(text) or EXPLAINED.fullmatch(text):
        return Option(match[1].upper(), (match[2] if match.re is NAMED else "").strip(" ."))
    if match := LABELLED.fullmatch(text):
        bracketed, capital, small, meaning = match.groups()
        if capital and capital.islower() and not small:
            return None  # "a. bank" reads as a sentence
        return Option((bracketed or capital or small).upper(), meaning.strip(" ."))
    return None
