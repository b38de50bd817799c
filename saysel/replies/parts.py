"""Answer, rationale and confidence of a reply with labelled fields.

    <reasoning> Answer: … Self-reflection: … Confidence: …

A reply may start over: what counts is its last answer, with what follows it. An answer starts the
reply over where it begins a line or follows a stated number; an "Answer:" within a reflection is
a part of the reflection, so that alternatives named there are not taken for the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from saysel.replies.fields import Label, first_line, label_pattern, labels, value
from saysel.replies.spoken import Spoken

PATTERN = label_pattern(
    {
        "answer": r"(?:(?:my|the|final)[ \t]{1,4}){0,3}answer(?:[ \t]{1,4}is)?",
        "rationale": r"(?:self[-‐‑–— ]?)?reflection",
        "confidence": r"(?:my[ \t]{1,4})?confidence(?:[ \t]{1,4}(?:level|score|rating))?"
        r"(?:[ \t]{1,4}\([^()\n]{0,40}\))?",
        "question": r"question|user|human",
    }
)
#: How a stated number begins.
STATED = re.compile(r"[\s*_]{0,9}[~≈]?[0-9０-９.．]")


class Parts(NamedTuple):
    """What was read from a reply; each part `None` if it is not there or was cut.

    Attributes:
        answer, rationale: never empty.
        confidence: the line that states it, whatever that says.
        start: where the label of the answer begins.
        first: where the first label of any kind begins.
    """

    answer: str | None
    rationale: str | None
    confidence: str | None
    start: int | None
    first: int | None


def read_parts(said: Spoken) -> Parts:
    """The parts of what a model said."""
    said, found = _own(said)
    answer, rationale, confidence = _chosen(said.text, found)
    next_start = {label: later.start for label, later in pairwise(found)}

    def end(label: Label) -> int:
        if label is rationale:  # in which the words of labels may occur
            later = [part.start for part in (answer, confidence) if part]
            return min((at for at in later if at > label.start), default=len(said.text))
        return next_start.get(label, len(said.text))

    def read(label: Label | None) -> str | None:
        if label is None or (said.cut and end(label) == len(said.text)):
            return None
        return value(said.text, label, end(label)) or None

    return Parts(
        read(answer),
        read(rationale),
        first_line(said, confidence, end(confidence)) if confidence else None,
        answer.start if answer else None,
        found[0].start if found else None,
    )


def _own(said: Spoken) -> tuple[Spoken, list[Label]]:
    """The reply with its labels, up to where the model goes on with another question."""
    own: list[Label] = []
    answered = False
    for label in labels(said.text, PATTERN):
        if label.name != "question":
            own.append(label)
            answered = answered or label.name == "answer"
        elif answered and label.starts_line:
            return Spoken(said.text[: label.start], False), own
    return said, own


def _chosen(text: str, found: Sequence[Label]) -> tuple[Label | None, Label | None, Label | None]:
    """The labels of answer, rationale and confidence that count."""
    answer = rationale = confidence = None
    finished = False  # whether a number has been stated for this answer
    for label in found:
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
