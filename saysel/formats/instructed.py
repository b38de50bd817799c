"""Prompts that end in an instruction on how to reply."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from saysel.interfaces import FingerprintedIfSet, Format, Parsed
from saysel.records import Message, Question
from saysel.replies.declining import declines

Instruction = Annotated[
    str, Field(description="text after the question; empty for models trained on the format")
]


class InstructedFormat(Format):
    """A format whose prompt is the question and an instruction on how to reply."""

    instruction: Instruction
    decline: FingerprintedIfSet[str | None] = Field(
        None,
        pattern=r"\w",
        description="answer of a response that declines, such as I don't know, which the "
        "instruction then allows; null: responses cannot decline",
    )

    def prompt(self, question: Question) -> list[Message]:
        instruction = self.instruction
        if instruction and self.decline and self.decline not in instruction:
            instruction += f' If you do not know the answer, write "{self.decline}" as the answer.'
        parts = [question.prompt, instruction] if instruction else [question.prompt]
        return [{"role": "user", "content": "\n\n".join(parts)}]

    def declining_answer(self) -> str | None:
        return self.decline

    def parsed(self, answer: str | None, rationale: str | None, confidence: float | None) -> Parsed:
        """The parts that were read; an answer that declines is no answer."""
        if declines(answer, self.decline):
            return Parsed(None, rationale, None, declined=True)
        return Parsed(answer, rationale, confidence)
