"""The typed records that pass between the stages.

Confidence is a float in [0, 1] everywhere; only a Format knows about tenths or percent. A
confidence that could not be read is `None` and stays `None`: it is counted, never replaced.
Every record is a frozen dataclass and one Parquet schema (see `saysel.storage`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict


class Message(TypedDict):
    """One turn of a chat, in the shape that every chat template takes."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ModelRef:
    """Where a causal LM lies.

    Attributes:
        path: a directory or a hub id.
        revision: commit of the hub repository, for ids only.
        adapter: directory or hub id of a PEFT adapter on top of it.
        dtype: `float32`, `bfloat16`, `float16` or `auto`.
    """

    path: str
    revision: str | None = None
    adapter: str | None = None
    dtype: str = "auto"


@dataclass(frozen=True)
class Question:
    """A question and what counts as its answer.

    Attributes:
        id: unique within its source.
        prompt: what the model is asked.
        answers: accepted answers; the first is the one to show. Never empty.
        wrong_answers: known wrong options, if any.
        meta: whatever else the source knows; JSON values only.
    """

    id: str
    prompt: str
    answers: tuple[str, ...]
    wrong_answers: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Generation:
    """What a sampler returns for one prompt, one sample.

    Attributes:
        text: the decoded continuation, without special tokens.
        tokens: generated tokens, the end-of-text token included.
        logprob: sum of the tokens' log-probabilities under the untempered model, in nats;
            `None` where the back end does not tell.
    """

    text: str
    tokens: int
    logprob: float | None = None


@dataclass(frozen=True)
class Response:
    """One sampled response to a question.

    Attributes:
        question_id: the question's id.
        index: 0 to n - 1 within the question.
        text: the whole response.
        answer: the parsed answer, `None` if there was none to read.
        tokens: generated tokens.
        logprob: see `Generation`.
    """

    question_id: str
    index: int
    text: str
    answer: str | None
    tokens: int
    logprob: float | None = None


@dataclass(frozen=True)
class Cluster:
    """Responses of one question that say the same.

    Attributes:
        question_id: the question's id.
        members: indices of the responses, ascending.
        representative: the response that speaks for the cluster.
        share: size of the cluster over the number of responses sampled, in (0, 1].
    """

    question_id: str
    members: tuple[int, ...]
    representative: Response
    share: float


@dataclass(frozen=True)
class Rationale:
    """A first-person account of what the responses to a question disagree on."""

    question_id: str
    text: str


@dataclass(frozen=True)
class Example:
    """One training example.

    Attributes:
        question_id: the question's id.
        prompt: the chat up to the reply.
        completion: the reply to learn, in the recipe's format.
        confidence: the confidence the completion states, in [0, 1].
    """

    question_id: str
    prompt: tuple[Message, ...]
    completion: str
    confidence: float


@dataclass(frozen=True)
class Prediction:
    """What an estimator made of one question.

    Attributes:
        question_id: the question's id.
        response: the text the answer was read from.
        answer: the parsed answer, `None` if unreadable.
        rationale: the parsed self-reflection, `None` if there is none.
        confidence: in [0, 1], `None` if unreadable.
        correct: in [0, 1]; `None` until judged, or where the judge failed.
        tokens: tokens generated to arrive here, all samples together.
        shares: distinct answers seen on the way and the share of samples behind each.
    """

    question_id: str
    response: str
    answer: str | None
    rationale: str | None
    confidence: float | None
    correct: float | None = None
    tokens: int = 0
    shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Score:
    """A metric's value with its interval.

    Attributes:
        value: `None` where the metric is not defined (AUROC of one class).
        low, high: ends of the 95 % bootstrap interval, `None` with `value`.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
