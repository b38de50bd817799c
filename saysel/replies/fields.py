"""Labelled fields of a reply, such as "Answer: Paris", however a model decorates the labels.

A label is a word and a colon, in any case and anywhere in a line: `Answer:`, `**Answer:**`,
`- **Answer**:`, `### Answer:`, `1. Answer:`, `Answer：`. In bold or as a heading on a
separate line, it needs no colon.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from saysel.replies.visible import VisibleText

EMPHASIS = r"\*{1,3}|_{1,3}|<(?:b|strong)>"
CLOSING = {"<b>": "</b>", "<strong>": "</strong>"}
#: Everything before a label's word in its line, if that is only decoration.
LINE = re.compile(
    r"(?:^|\n)[ \t]*(?P<mark>(?:(?:[-+•*>]|#{1,6}|\d{1,3}[.)])[ \t]+|#{1,6}|>)*)"
    rf"(?P<emphasis>(?:{EMPHASIS})?)\Z",
    re.IGNORECASE,
)
INLINE = re.compile(rf"(?P<emphasis>{EMPHASIS})\Z", re.IGNORECASE)
#: Maximum number of characters of decoration before a label's word.
MAX_DECORATION = 24
#: Characters of lines between two parts of a reply: rules, fences, the emphasis around both.
RULE = "-*_=#`~ \t\r\n"


class Label(NamedTuple):
    """A label in a text.

    Attributes:
        name: the field's name.
        number: digits of a numbered label such as `G1`; else empty.
        start: where its decoration begins.
        end: where its value begins.
        starts_line: whether only decoration precedes it in its line.
        emphasis: the mark that closes an emphasis which begins before the label and continues after
            it.
    """

    name: str
    number: str
    start: int
    end: int
    starts_line: bool
    emphasis: str


#: Stands for the label of a text that is a value as a whole.
WHOLE = Label("", "", 0, 0, starts_line=True, emphasis="")


def label_pattern(words: Mapping[str, str]) -> re.Pattern[str]:
    """The pattern of the labels, for `labels`.

    Args:
        words: by field, a regular expression for the words of its label, without groups and with
            bounded repetition.
    """
    names = "|".join(f"(?P<{name}>{expression})" for name, expression in words.items())
    closing = "|".join([r"\*{1,3}|_{1,3}", *CLOSING.values()])
    return re.compile(
        # Not inside a word or after its hyphen: "self-confidence:" contains no label.
        rf"(?<![^\W_])(?<![^\W_]-)(?:{names})(?P<number>\d{{0,3}})(?P<closed>(?:{closing})?)"
        r"[ \t]{0,4}(?:(?P<colon>[:：])|(?=\r?(?:\n|\Z)))",
        re.IGNORECASE,
    )


def labels(text: str, pattern: re.Pattern[str]) -> list[Label]:
    """All labels of a text, in order."""
    return [label for mark in pattern.finditer(text) if (label := _label(text, mark))]


def _label(text: str, mark: re.Match[str]) -> Label | None:
    start = mark.start()
    line = LINE.search(text, max(0, start - MAX_DECORATION), start)
    decoration = line or INLINE.search(text, max(0, start - len("<strong>")), start)
    emphasis = decoration["emphasis"].casefold() if decoration else ""
    emphasis = CLOSING.get(emphasis, emphasis)
    closed = bool(mark["closed"])
    end = mark.end()
    if emphasis and not closed and text.startswith(emphasis, end):
        closed, end = True, end + len(emphasis)
    if not mark["colon"] and not (line and ("#" in line["mark"] or (emphasis and closed))):
        return None
    return Label(
        # The groups of the words come first in the pattern.
        name=next(name for name, words in mark.groupdict().items() if words),
        number=mark["number"],
        start=decoration.start() if decoration else start,
        end=end,
        starts_line=line is not None,
        emphasis="" if closed else emphasis,
    )


def value(text: str, label: Label, until: int) -> str:
    """The value of a field, up to a position, without the decoration around it."""
    content = text[label.end : until].strip()
    if label.emphasis:
        line, newline, rest = content.partition("\n")
        content = (line.rstrip().removesuffix(label.emphasis) + newline + rest).strip()
    # Remove lines between this part and the next, but not the end of its last line: "A*", "C++".
    between = content.find("\n", len(content.rstrip(RULE)))
    if between >= 0:
        content = content[:between].rstrip()
    for emphasis in ("***", "**", "*"):
        inside = content[len(emphasis) : -len(emphasis)]
        if inside and content == emphasis + inside + emphasis and emphasis not in inside:
            return inside.strip()
    return content


def first_line(reply: VisibleText, label: Label, until: int) -> str | None:
    """The first line of a field's value; `None` if the token limit cut it."""
    line, newline, _ = reply.text[label.end : until].lstrip().partition("\n")
    cut = reply.cut and until == len(reply.text) and not newline
    return None if cut else line.strip()
