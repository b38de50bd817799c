"""A reply that states its confidence in percent, as in most prompting studies.

    <reasoning> Answer: <answer> Self-reflection: <rationale> Confidence: <k>%

Source: Xiong et al., "Can LLMs Express Their Uncertainty?" (arXiv 2306.13063), vanilla verbalized
confidence; the wording of the prompt and the optional self-reflection are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from saysel.formats.instructed import Instruction
from saysel.formats.labelled import LabelledFormat
from saysel.replies.scales import Number, share

INSTRUCTION = (
    'Think briefly, then write "Answer:" and the answer in a few words, and "Confidence:" and the '
    "chance in percent that the answer is right, from 0% (certainly wrong) to 100% (certainly "
    "right)."
)


class PercentFormat(LabelledFormat):
    """Answer, and confidence in percent: "Answer: Paris Confidence: 73%"."""

    version: ClassVar[int] = 2
    renamed: ClassVar[Mapping[str, str]] = {"sign": "require_sign"}

    confidences: ClassVar[Mapping[str, float]] = {f" {k}%": k / 100 for k in range(101)}

    instruction: Instruction = INSTRUCTION
    require_sign: bool = Field(
        True, description="whether a number needs a percent sign; if false, 73 also means 73 %"
    )

    def written(self, confidence: float) -> str:
        # Round half up; round() would round half to even.
        return f"{int(100 * confidence + 0.5)}%"

    def confidence(self, stated: Number | None) -> float | None:
        if self.require_sign and stated is not None and stated.scale is None:
            return None
        return share(stated, 100)
