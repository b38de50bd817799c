"""A reply that states its confidence in percent, as most prompting studies ask for it.

    <reasoning> Answer: <answer> Self-reflection: <rationale> Confidence: <k>%

Source: Xiong et al., "Can LLMs Express Their Uncertainty?" (arXiv 2306.13063), vanilla verbalized
confidence; the wording of the prompt and the optional self-reflection are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from saysel.instructed import InstructedFormat, Instruction
from saysel.interfaces import Parsed

INSTRUCTION = (
    'Think briefly, then write "Answer:" and the answer in a few words, and "Confidence:" and the '
    "chance in percent that the answer is right, from 0% (certainly wrong) to 100% (certainly "
    "right)."
)

# Models write the words in bold, on lines of their own and in any case.
ANSWER = re.compile(r"\**\bAnswer\**:\**", re.IGNORECASE)
RATIONALE = re.compile(r"\**\bSelf-reflection\**:\**", re.IGNORECASE)
CONFIDENCE = re.compile(r"\**\bConfidence\**:\**", re.IGNORECASE)
NUMBER = re.compile(r"\**([0-9]{1,3}(?:\.[0-9]+)?) ?(%?)\**\.?", re.ASCII)


class PercentFormat(InstructedFormat):
    """Answer, and confidence in percent: "Answer: Paris Confidence: 73%"."""

    confidence_marker: ClassVar[str] = "Confidence:"
    confidences: ClassVar[Mapping[str, float]] = {f" {k}%": k / 100 for k in range(101)}

    instruction: Instruction = INSTRUCTION
    sign: bool = Field(
        True, description="whether a number must carry its percent sign; if not, 73 is 73 % too"
    )

    def render(
        self, answer: str, rationale: str | None, confidence: float | None, reasoning: str = ""
    ) -> str:
        parts = [reasoning] if reasoning else []
        parts.append(f"Answer: {answer}")
        if rationale is not None:
            parts.append(f"Self-reflection: {rationale}")
        if confidence is not None:
            # Half a percent is rounded up, never to the even neighbour as round() would.
            parts.append(f"{self.confidence_marker} {int(100 * confidence + 0.5)}%")
        return " ".join(parts)

    def parse(self, text: str, cut: bool = False) -> Parsed:
        _, found, rest = _cut(ANSWER, text)
        # Where there is no answer, the other parts are looked for in the whole text.
        body, stated, number = _cut(CONFIDENCE, rest if found else text, last=True)
        answer, _, rationale = _cut(RATIONALE, body)
        return Parsed(
            (answer.strip() or None) if found else None,
            rationale.strip() or None,
            self._read(number) if stated and not cut else None,
        )

    def reasoning(self, text: str) -> str:
        before, found, _ = _cut(ANSWER, text)
        return before.strip() if found else ""

    def _read(self, number: str) -> float | None:
        found = NUMBER.fullmatch(number.strip())
        if found is None or (self.sign and not found[2]) or float(found[1]) > 100:
            return None
        return float(found[1]) / 100


def _cut(marker: re.Pattern[str], text: str, last: bool = False) -> tuple[str, bool, str]:
    """What stands before the first (or last) marker, whether there is one, and what is after."""
    marks = list(marker.finditer(text))
    if not marks:
        return text, False, ""
    mark = marks[-1 if last else 0]
    return text[: mark.start()], True, text[mark.end() :]
