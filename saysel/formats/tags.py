"""A reply in tags, as in RLCR (arXiv 2507.16806).

    <think>reasoning</think> <answer>…</answer> <analysis>rationale</analysis>
    <confidence>0.73</confidence>

Deviation: a confidence above 1 without a percent sign is not read as percent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from saysel.formats.instructed import InstructedFormat, Instruction
from saysel.interfaces import Parsed
from saysel.replies.scales import number, probability
from saysel.replies.visible import visible_text

INSTRUCTION = (
    "Think inside <think></think>, then give the answer in a few words inside <answer></answer>, "
    "say what you are unsure about and why inside <analysis></analysis>, and last, inside "
    "<confidence></confidence>, the chance that the answer is right, from 0 to 1."
)
TAG = re.compile(r"<(?P<slash>/?)(?P<name>answer|analysis|confidence)[ \t]{0,4}>", re.IGNORECASE)
THOUGHT_TAG = re.compile(r"\A<think>|</think>\Z", re.IGNORECASE)


class Element(NamedTuple):
    """A pair of tags and the text between them.

    Attributes:
        name: in lower case.
        start, end: position in the text, tags included.
        inside: the text between the tags, stripped; of an answer or a confidence, up to the next
            tag.
    """

    name: str
    start: int
    end: int
    inside: str


class TagsFormat(InstructedFormat):
    """Parts in tags, confidence from 0 to 1: "<answer>Paris</answer><confidence>0.73…"."""

    version: ClassVar[int] = 2

    confidence_marker: ClassVar[str] = "<confidence>"
    confidences: ClassVar[Mapping[str, float]] = {
        f"{k / 100:.2f}</confidence>": k / 100 for k in range(101)
    }

    instruction: Instruction = INSTRUCTION

    def render(
        self, answer: str, rationale: str | None, confidence: float | None, reasoning: str = ""
    ) -> str:
        parts = [f"<think>{reasoning}</think>"] if reasoning else []
        parts.append(f"<answer>{answer}</answer>")
        if rationale is not None:
            parts.append(f"<analysis>{rationale}</analysis>")
        if confidence is not None:
            # Round half up; round() would round half to even.
            hundredths = int(100 * confidence + 0.5)
            parts.append(f"{self.confidence_marker}{hundredths / 100:.2f}</confidence>")
        return " ".join(parts)

    def parse(self, text: str, cut: bool = False) -> Parsed:
        # A part that was cut at the token limit has no closing tag.
        parts = elements(visible_text(text, cut).text)
        return self.parsed(
            parts["answer"].inside or None if "answer" in parts else None,
            parts["analysis"].inside or None if "analysis" in parts else None,
            probability(number(parts["confidence"].inside)) if "confidence" in parts else None,
        )

    def reasoning(self, text: str) -> str:
        answer = elements(visible_text(text).text).get("answer")
        if answer is None:
            return ""
        return THOUGHT_TAG.sub("", text[: answer.start].strip()).strip()


def elements(text: str) -> dict[str, Element]:
    """The last element of each name, because a reply may correct itself.

    Tags inside an analysis are quotations and do not count.
    """
    pairs = _pairs(text)
    analysis = next((pair for pair in reversed(pairs) if pair.name == "analysis"), None)
    if analysis is not None:
        start, end = analysis.start, analysis.end
        pairs = [pair for pair in pairs if pair.end <= start or pair.start >= end]
        pairs.append(analysis)
    return {pair.name: pair for pair in pairs}


def _pairs(text: str) -> list[Element]:
    """Every opening tag with the next closing tag of its name, if no other opens in between."""
    marks = list(TAG.finditer(text))
    pairs = []
    opened: dict[str, int] = {}
    for index, mark in enumerate(marks):
        name = mark["name"].casefold()
        if not mark["slash"]:
            opened[name] = index
        elif name in opened:
            first = opened.pop(name)
            end = mark.start() if name == "analysis" else marks[first + 1].start()
            inside = text[marks[first].end() : end].strip()
            pairs.append(Element(name, marks[first].start(), mark.end(), inside))
    return pairs
