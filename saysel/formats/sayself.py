"""The reply format of SaySelf (arXiv 2405.20974, section 2.2).

    <reasoning> Answer: <answer> Self-reflection: <rationale> Confidence: <k>

with k a whole number of tenths from 0 to 10. Deviation: the prompt is the chat's user turn and
goes through the model's own chat template; the paper hard-codes `[INST]`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from saysel.instructed import InstructedFormat, Instruction
from saysel.interfaces import Parsed

INSTRUCTION = (
    'Think briefly, then write "Answer:" and the answer in a few words, "Self-reflection:" and '
    'what you are unsure about and why, and "Confidence:" and how sure you are that the answer '
    "is right, from 0 (certainly wrong) to 10 (certainly right)."
)

# The answer ends at the next part; a reply may leave out the reflection or stop anywhere.
ANSWER = re.compile(r"Answer:(.*?)(?=Self-reflection:|Confidence:|\Z)", re.DOTALL)
RATIONALE = re.compile(r"Self-reflection:(.*?)(?=Confidence:|\Z)", re.DOTALL)
CONFIDENCE = re.compile(r"Confidence:\s*([0-9]+(?:\.[0-9]+)?)(?:\s*/\s*10)?\s*\.?\s*\Z", re.ASCII)


class SaySelfFormat(InstructedFormat):
    """Reasoning, answer, self-reflection, confidence from 0 to 10, as in the paper."""

    confidence_marker: ClassVar[str] = "Confidence:"
    confidences: ClassVar[Mapping[str, float]] = {f" {k}": k / 10 for k in range(11)}

    instruction: Instruction = INSTRUCTION

    def render(
        self, answer: str, rationale: str | None, confidence: float | None, reasoning: str = ""
    ) -> str:
        parts = [reasoning] if reasoning else []
        parts.append(f"Answer: {answer}")
        if rationale is not None:
            parts.append(f"Self-reflection: {rationale}")
        if confidence is not None:
            # Half a tenth is rounded up, never to the even neighbour as round() would.
            parts.append(f"{self.confidence_marker} {int(10 * confidence + 0.5)}")
        return " ".join(parts)

    def parse(self, text: str, cut: bool = False) -> Parsed:
        answer = ANSWER.search(text)
        rationale = RATIONALE.search(text)
        confidence = None if cut else CONFIDENCE.search(text)
        tenths = float(confidence[1]) if confidence else None
        return Parsed(
            (answer[1].strip() or None) if answer else None,
            (rationale[1].strip() or None) if rationale else None,
            tenths / 10 if tenths is not None and tenths <= 10 else None,
        )

    def reasoning(self, text: str) -> str:
        return text.partition("Answer:")[0].strip() if "Answer:" in text else ""
