"""Answer, rationale and confidence of a reply with labelled fields.

    <reasoning> Answer: … Self-reflection: … Confidence: …

A reply may start over: its last answer counts, with what follows it. An answer starts the reply
over if it begins a line or follows a stated number. Any other "Answer:" inside a reflection is part
of the reflection, so that alternatives named there are not mistaken for the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from saysel.replies.fields import Label, first_line, label_pattern, labels, value
from saysel.replies.visible import VisibleText

PATTERN = label_pattern(
    {
        "answer": r"(?:(?:my|the|final)[ \t]{1,4}){0,3}answer(?:[ \t]{1,4}is)?",
        "rationale": r"(?:self[-‐‑–— ]?)?reflection",
        "confidence": r"(?:my[ \t]{1,4})?confidence(?:[ \t]{1,4}(?:level|score|rating))?"
        r"(?:[ \t]{1,4}\([^()\n]{0,40}\))?",
        "question": r"question|user|human",
    }
)
#: The beginning of a stated number.
STATED = re.compile(r"[\s*_]{0,9}[~≈]?[0-9０-９.．]")


class Parts(NamedTuple):
    """The parts of a reply; each is `None` if it is missing or was cut.

    Attributes:
        answer, rationale: never empty.
        confidence: the line that states it, not yet parsed.
        start: position of the answer's label.
        first: position of the first label of any kind.
    """

    answer: str | None
    rationale: str | None
    confidence: str | None
    start: int | None
    first: int | None


def read_parts(reply: VisibleText) -> Parts:
    """The parts of a reply."""
    reply, own_labels = _own(reply)
    answer, rationale, confidence = _chosen(reply.text, own_labels)
    next_start = {label: later.start for label, later in pairwise(own_labels)}

    def end(label: Label) -> int:
        if label is rationale:  # which may contain the words of labels
            later = [part.start for part in (answer, confidence) if part]
            return min(
                (position for position in later if position > label.start), default=len(reply.text)
            )
        return next_start.get(label, len(reply.text))

    def read(label: Label | None) -> str | None:
        if label is None or (reply.cut and end(label) == len(reply.text)):
            return None
        return value(reply.text, label, end(label)) or None

    return Parts(
        read(answer),
        read(rationale),
        first_line(reply, confidence, end(confidence)) if confidence else None,
        answer.start if answer else None,
        own_labels[0].start if own_labels else None,
    )


def _own(reply: VisibleText) -> tuple[VisibleText, list[Label]]:
    """The reply with its labels, up to where the model continues with another question."""
    own: list[Label] = []
    answered = False
    for label in labels(reply.text, PATTERN):
        if label.name != "question":
            own.append(label)
            answered = answered or label.name == "answer"
        elif answered and label.starts_line:
            return VisibleText(reply.text[: label.start], False), own
    return reply, own


def _chosen(
    text: str, own_labels: Sequence[Label]
) -> tuple[Label | None, Label | None, Label | None]:
    """The labels of the answer, rationale and confidence that count."""
    answer = rationale = confidence = None
    finished = False  # whether a number has been stated for this answer
    for label in own_labels:
        if label.name == "answer":
            if answer is None or rationale is None or finished or label.starts_line:
                if answer is not None:
                    rationale = None
                answer, confidence, finished = label, None, False
        elif label.name == "rationale":
            rationale = rationale or label
        else:
            confidence, finished = label, STATED.match(text, label.end) is not None
    return answer, rationale, confidence
