"""The reply format of SaySelf (arXiv 2405.20974, section 2.2).

    <reasoning> Answer: <answer> Self-reflection: <rationale> Confidence: <k>

where k is an integer from 0 to 10 that states tenths. Deviation: the prompt is a user message that
the model's own chat template renders; the paper hard-codes `[INST]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from saysel.formats.instructed import Instruction
from saysel.formats.labelled import LabelledFormat
from saysel.replies.scales import Number, share

INSTRUCTION = (
    'Think briefly, then write "Answer:" and the answer in a few words, "Self-reflection:" and '
    'what you are unsure about and why, and "Confidence:" and how sure you are that the answer '
    "is right, from 0 (certainly wrong) to 10 (certainly right)."
)


class SaySelfFormat(LabelledFormat):
    """Reasoning, answer, self-reflection, confidence from 0 to 10, as in the paper."""

    version: ClassVar[int] = 2

    confidences: ClassVar[Mapping[str, float]] = {f" {k}": k / 10 for k in range(11)}

    instruction: Instruction = INSTRUCTION

    def written(self, confidence: float) -> str:
        # Round half up; round() would round half to even.
        return str(int(10 * confidence + 0.5))

    def confidence(self, stated: Number | None) -> float | None:
        return share(stated, 10)
