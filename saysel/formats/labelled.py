"""Formats whose replies are labelled fields.

    <reasoning> Answer: <answer> Self-reflection: <rationale> Confidence: <confidence>

They differ in how the confidence is written.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from saysel.formats.instructed import InstructedFormat
from saysel.interfaces import Parsed
from saysel.replies.parts import read_parts
from saysel.replies.scales import Number, number
from saysel.replies.visible import visible_text


class LabelledFormat(InstructedFormat):
    """Writes fields on one line; parses them in any decoration, see `saysel.replies`."""

    confidence_marker: ClassVar[str] = "Confidence:"

    @abstractmethod
    def written(self, confidence: float) -> str:
        """A confidence in [0, 1] as it follows the marker."""

    @abstractmethod
    def confidence(self, stated: Number | None) -> float | None:
        """The confidence in [0, 1] that a number states, if it is on the format's scale."""

    def render(
        self, answer: str, rationale: str | None, confidence: float | None, reasoning: str = ""
    ) -> str:
        parts = [reasoning] if reasoning else []
        parts.append(f"Answer: {answer}")
        if rationale is not None:
            parts.append(f"Self-reflection: {rationale}")
        if confidence is not None:
            parts.append(f"{self.confidence_marker} {self.written(confidence)}")
        return " ".join(parts)

    def parse(self, text: str, cut: bool = False) -> Parsed:
        parts = read_parts(visible_text(text, cut))
        stated = number(parts.confidence) if parts.confidence is not None else None
        return self.parsed(parts.answer, parts.rationale, self.confidence(stated))

    def reasoning(self, text: str) -> str:
        start = read_parts(visible_text(text)).start
        return text[:start].strip() if start is not None else ""
