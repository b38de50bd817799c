"""The answer in a reply without a marker: its first sentence."""

from __future__ import annotations

import re

from saysel.replies.fields import WHOLE, value
from saysel.replies.parts import read_parts
from saysel.replies.visible import VisibleText

#: The end of a sentence: a mark with closing quotes, before white space.
END = re.compile(r"(?P<mark>[.!?])[\"'”’»)\]*_]{0,4}(?=\s|\Z)|(?P<wide>[。！？])")
#: Words before a full stop that do not end a sentence: initials and titles.
ABBREVIATION = re.compile(
    r"(?:^|[\s(.])(?:[^\W\d_]|mr|mrs|ms|dr|prof|st|mt|ft|jr|sr|vs|gen|col|capt|lt|sgt|rev)\Z",
    re.IGNORECASE,
)
#: The mark of the first entry of a list.
FIRST_ENTRY = re.compile(r"(?:[-+*•]|1[.)])[ \t]+")
#: Characters before a full stop that are searched for an abbreviation.
MAX_ABBREVIATION = 12


def first_sentence(reply: VisibleText) -> str | None:
    """The first sentence of a reply, up to the first label, without its full stop.

    It also ends with its line. `None` if there is none, or the token limit cut it.
    """
    first_label = read_parts(reply).first
    text = reply.text if first_label is None else reply.text[:first_label]
    start = len(text) - len(text.lstrip())
    line_end = text.find("\n", start)
    line = text[start:] if line_end < 0 else text[start:line_end]
    if entry := FIRST_ENTRY.match(line):
        line = line[entry.end() :]
    end = _sentence_end(line)
    if end == len(line) and line_end < 0 and first_label is None and reply.cut:
        return None
    sentence = value(line, WHOLE, end)
    if sentence.endswith(("。", ".")) and not _is_abbreviation(sentence[:-1]):
        sentence = sentence[:-1].rstrip()
    return sentence or None


def _sentence_end(line: str) -> int:
    """Where the first sentence of a line ends."""
    for mark in END.finditer(line):
        if mark["mark"] != "." or not _is_abbreviation(line[: mark.start()]):
            return mark.end()
    return len(line)


def _is_abbreviation(before: str) -> bool:
    """Whether a text ends in a word that a full stop abbreviates."""
    return ABBREVIATION.search(before[-MAX_ABBREVIATION:]) is not None
