"""Prompts that end in an instruction on how to reply."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from saysel.interfaces import Format
from saysel.records import Message, Question

Instruction = Annotated[
    str, Field(description="text after the question; empty for models trained on the format")
]


class InstructedFormat(Format):
    """A format whose prompt is the question and an instruction on how to reply."""

    instruction: Instruction

    def prompt(self, question: Question) -> list[Message]:
        parts = [question.prompt, self.instruction] if self.instruction else [question.prompt]
        return [{"role": "user", "content": "\n\n".join(parts)}]
