"""A reply in tags, as RLCR trains it (arXiv 2507.16806).

    <think>reasoning</think> <answer>…</answer> <analysis>rationale</analysis>
    <confidence>0.73</confidence>

Deviation: a confidence above 1 without a percent sign is not read as percent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from saysel.instructed import InstructedFormat, Instruction
from saysel.interfaces import Parsed

INSTRUCTION = (
    "Think inside <think></think>, then give the answer in a few words inside <answer></answer>, "
    "say what you are unsure about and why inside <analysis></analysis>, and last, inside "
    "<confidence></confidence>, the chance that the answer is right, from 0 to 1."
)
THOUGHT = re.compile(r"<think>(.*?)</think>", re.DOTALL)
NUMBER = re.compile(r"([0-9]*\.?[0-9]+|[0-9]+\.)(?: ?(%))?", re.ASCII)


class TagsFormat(InstructedFormat):
    """Parts in tags, confidence from 0 to 1: "<answer>Paris</answer><confidence>0.73…"."""

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
            # Half a hundredth is rounded up, never to the even neighbour.
            hundredths = int(100 * confidence + 0.5)
            parts.append(f"{self.confidence_marker}{hundredths / 100:.2f}</confidence>")
        return " ".join(parts)

    def parse(self, text: str, cut: bool = False) -> Parsed:
        said = _after_thought(text)
        number = _inside("confidence", said)
        return Parsed(
            _inside("answer", said),
            _inside("analysis", said),
            None if number is None else _read(number),
        )

    def reasoning(self, text: str) -> str:
        thought = THOUGHT.search(text)
        if thought is not None:
            return thought[1].strip()
        before, found, _ = text.partition("<answer>")
        return before.strip() if found else ""


def _after_thought(text: str) -> str:
    """What is said after thinking. Some chat templates open the thought in the prompt."""
    return text.rpartition("</think>")[2]


def _inside(tag: str, text: str) -> str | None:
    """What the last pair of such tags holds: a reply may correct itself. Empty is nothing."""
    before, closed, _ = text.rpartition(f"</{tag}>")
    if not closed:
        return None
    _, opened, inside = before.rpartition(f"<{tag}>")
    return (inside.strip() or None) if opened else None


def _read(number: str) -> float | None:
    found = NUMBER.fullmatch(number)
    if found is None:
        return None
    value = float(found[1]) / (100 if found[2] else 1)
    return value if value <= 1 else None
