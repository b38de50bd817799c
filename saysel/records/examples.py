"""From a question to a training example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from saysel.records.models import CUT, Message

#: The accepted answer of a question that has no answer: declining is right.
UNANSWERABLE = "unanswerable"


@dataclass(frozen=True)
class Question:
    """A question and its accepted answers.

    Attributes:
        id: unique within its source.
        prompt: the text of the question.
        answers: accepted answers, at least one; the first is shown to users. "unanswerable" stands
            for a question without an answer.
        wrong_answers: known wrong options, if any.
        meta: anything else the source provides; JSON values only.
    """

    id: str
    prompt: str
    answers: tuple[str, ...]
    wrong_answers: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unanswerable(self) -> bool:
        """Whether one of its accepted answers is "unanswerable", so that declining is right."""
        return any(answer.strip().casefold() == UNANSWERABLE for answer in self.answers)


@dataclass(frozen=True)
class Response:
    """One sampled response to a question.

    Attributes:
        question_id: the question's id.
        index: 0 to n - 1 within the question.
        text: the whole response.
        answer: the parsed answer, `None` if none could be parsed.
        tokens: number of generated tokens.
        logprob, finish_reason: see `Generation`.
        declined: whether it declines to answer; it then has no answer.
    """

    question_id: str
    index: int
    text: str
    answer: str | None
    tokens: int
    logprob: float | None = None
    finish_reason: str | None = None
    declined: bool = False

    @property
    def cut(self) -> bool:
        """See `Generation`."""
        return self.finish_reason == CUT


@dataclass(frozen=True)
class Cluster:
    """Responses to one question with the same meaning.

    Attributes:
        question_id: the question's id.
        members: indices of the responses, ascending.
        representative: the member that represents the cluster.
        share: fraction of the sampled responses that are in the cluster, in (0, 1].
    """

    question_id: str
    members: tuple[int, ...]
    representative: Response
    share: float


@dataclass(frozen=True)
class Rationale:
    """A first-person summary of how the responses to a question disagree.

    Attributes:
        question_id: the question's id.
        text: the rationale; empty if the response to learn should have none.
    """

    question_id: str
    text: str


@dataclass(frozen=True)
class Example:
    """One training example.

    Attributes:
        question_id: the question's id.
        prompt: the chat before the response.
        completion: the response to learn, in the recipe's format.
        confidence: the confidence that the completion states, in [0, 1]; `None` if it declines.
    """

    question_id: str
    prompt: tuple[Message, ...]
    completion: str
    confidence: float | None
