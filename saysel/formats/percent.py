"""A reply that states its confidence in percent, as most prompting studies ask for it.

    <reasoning> Answer: <answer> Self-reflection: <rationale> Confidence: <k>%

Source: Xiong et al., "Can LLMs Express Their Uncertainty?" (arXiv 2306.13063), vanilla verbalized
confidence; the wording of the prompt and the optional self-reflection are ours.
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

    confidences: ClassVar[Mapping[str, float]] = {f" {k}%": k / 100 for k in range(101)}

    instruction: Instruction = INSTRUCTION
    sign: bool = Field(
        True, description="whether a number must carry its percent sign; if not, 73 is 73 % too"
    )

    def written(self, confidence: float) -> str:
        # Half a percent is rounded up, never to the even neighbour as round() would.
        return f"{int(100 * confidence + 0.5)}%"

    def confidence(self, stated: Number | None) -> float | None:
        if self.sign and stated is not None and stated.most is None:
            return None
        return share(stated, 100)
