"""A reply that states its confidence as a probability from 0 to 1.

    <reasoning> Answer: <answer> Self-reflection: <rationale> Confidence: 0.73

Source: Tian et al., "Just Ask for Calibration" (arXiv 2305.14975), which asks for probabilities;
the wording of the prompt and the optional self-reflection are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from saysel.formats.instructed import Instruction
from saysel.formats.labelled import LabelledFormat
from saysel.replies.scales import Number, probability

INSTRUCTION = (
    'Think briefly, then write "Answer:" and the answer in a few words, and "Confidence:" and the '
    "probability that the answer is right, from 0.00 (certainly wrong) to 1.00 (certainly right)."
)


class FractionFormat(LabelledFormat):
    """Answer, and confidence from 0 to 1: "Answer: Paris Confidence: 0.73"."""

    confidences: ClassVar[Mapping[str, float]] = {f" {k / 100:.2f}": k / 100 for k in range(101)}

    instruction: Instruction = INSTRUCTION

    def written(self, confidence: float) -> str:
        # Round half up; round() would round half to even.
        return f"{int(100 * confidence + 0.5) / 100:.2f}"

    def confidence(self, stated: Number | None) -> float | None:
        return probability(stated)
