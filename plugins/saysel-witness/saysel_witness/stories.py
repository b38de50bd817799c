"""Stories of the witness world, and what a reply to one is worth.

The exact probability of every answer is known, so there is a best possible forecaster: the ideal
observer. Its squared errors on the same stories are the limit that a model is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from saysel.records import Message, Question
from saysel.registry import build

#: The squared error of a reply without a readable answer and confidence: the largest there is.
#: Otherwise a model could gain by stating no confidence when it is unsure.
UNREADABLE = 1.0


@dataclass(frozen=True)
class Verdict:
    """What a reply is worth.

    Attributes:
        answer, confidence, rationale: `None` if there is none or it could not be read.
        correct: 1 or 0.
        squared_error: of the confidence; `UNREADABLE` without one.
        limit: the squared error of the ideal observer on the same story.
    """

    answer: str | None
    confidence: float | None
    rationale: str | None
    correct: float
    squared_error: float
    limit: float


@dataclass(frozen=True)
class World:
    """A set of stories, and how they are asked.

    Attributes:
        split, n, seed: which stories; another seed gives others of the same world.
        format: how a reply states its answer and confidence.
        reliabilities: whether the prompt says how often each witness is right. If not, a model can
            only learn it by training, or from solved stories.
    """

    split: str = "heldout"
    n: int = 200
    seed: int = 0
    format: str = "percent"
    reliabilities: bool = True

    @cached_property
    def _parts(self) -> tuple[Any, Any, Any]:
        """The source, the format and the judge."""
        source = build("source", {"use": "witness", "seed": self.seed, self.split: self.n})
        return source, build("format", self.format), build("judge", "match")

    def questions(self) -> list[Question]:
        """The stories."""
        source, _, _ = self._parts
        return list(source.questions(self.split))

    def prompt(self, question: Question) -> list[Message]:
        """The chat that asks for an answer and a confidence."""
        source, format, _ = self._parts
        *before, last = format.prompt(question)
        if self.reliabilities:
            last = {**last, "content": f"{source.rules()}\n\n{last['content']}"}
        return [*before, last]

    def verdict(self, question: Question, reply: str) -> Verdict:
        """What a reply to a story is worth."""
        source, format, judge = self._parts
        ideal = source.ideal(question)
        parsed = format.parse(reply)
        correct, attainable = judge.judge_answers(
            [(question, parsed.answer), (question, ideal.answer)], [parsed.declined, False]
        )
        readable = parsed.answer is not None and parsed.confidence is not None
        confidence = parsed.confidence if readable else None
        return Verdict(
            parsed.answer,
            confidence,
            parsed.rationale,
            correct,
            UNREADABLE if confidence is None else (confidence - correct) ** 2,
            (ideal.confidence - attainable) ** 2,
        )
