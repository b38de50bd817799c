"""The typed records that pass between the stages.

Confidence is a float in [0, 1] everywhere; only a Format knows about tenths or percent. A
confidence that could not be read is `None` and stays `None`: it is counted, never replaced.
Every record is a frozen dataclass and one Parquet schema (see `saysel.storage.shards`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

#: The finish reason of a reply that reached the limit on its tokens.
CUT = "length"


class Message(TypedDict):
    """One turn of a chat, in the shape that every chat template takes."""

    role: Literal["system", "user", "assistant"]
    content: str


Prompt = Sequence[Message]


@dataclass(frozen=True)
class ModelRef:
    """Where a causal LM lies.

    Attributes:
        path: a directory or a hub id.
        revision: commit of the hub repository, for ids only.
        adapter: directory or hub id of a PEFT adapter on top of it.
        dtype: `float32`, `bfloat16`, `float16` or `auto`.
        attention: implementation of attention, as transformers calls it; `None`: its choice.
        device_map: how the layers are laid on devices, as accelerate calls it; `None`: all on one.
        quantization: `8bit` or `4bit` weights of bitsandbytes; `None`: as they are.
    """

    path: str
    revision: str | None = None
    adapter: str | None = None
    dtype: str = "auto"
    attention: str | None = None
    device_map: str | None = None
    quantization: str | None = None


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
        finish_reason: why generation ended, in the words of the OpenAI API: `stop`, `length` (the
            limit on tokens was reached), `content_filter`, `tool_calls` …; `None`: unknown.
    """

    text: str
    tokens: int
    logprob: float | None = None
    finish_reason: str | None = None

    @property
    def cut(self) -> bool:
        """Whether the limit on tokens ended it, so that its last words may be incomplete."""
        return self.finish_reason == CUT


@dataclass(frozen=True)
class Response:
    """One sampled response to a question.

    Attributes:
        question_id: the question's id.
        index: 0 to n - 1 within the question.
        text: the whole response.
        answer: the parsed answer, `None` if there was none to read.
        tokens: generated tokens.
        logprob, finish_reason: see `Generation`.
    """

    question_id: str
    index: int
    text: str
    answer: str | None
    tokens: int
    logprob: float | None = None
    finish_reason: str | None = None

    @property
    def cut(self) -> bool:
        """See `Generation`."""
        return self.finish_reason == CUT


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
    """A first-person account of what the responses to a question disagree on.

    Attributes:
        question_id: the question's id.
        text: empty where the reply is to have none.
    """

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
        finish_reason: of the reply that the answer was read from, see `Generation`; of the first
            reply that was cut, where an estimator reads several turns.
        distinct_texts: how many different texts there are among the samples of an estimator that
            draws several; `None` for others.
    """

    question_id: str
    response: str
    answer: str | None
    rationale: str | None
    confidence: float | None
    correct: float | None = None
    tokens: int = 0
    shares: Mapping[str, float] = field(default_factory=dict)
    finish_reason: str | None = None
    distinct_texts: int | None = None


@dataclass(frozen=True)
class Meaning:
    """One of the things that a model says to a question.

    Attributes:
        wordings: the different answers that say it.
        share: of the fresh samples that say it, in [0, 1].
        own: whether it is what the reply answers whose rationale is measured.
    """

    wordings: tuple[str, ...]
    share: float
    own: bool


@dataclass(frozen=True)
class Reflection:
    """A reply's rationale, beside what the model that wrote it says when it is asked again.

    Attributes:
        question_id: the question's id.
        response: the whole reply.
        answer: the parsed answer, `None` if unreadable.
        rationale: the parsed self-reflection, `None` if there is none.
        correct: in [0, 1], of the answer; `None` where the judge failed.
        tokens: tokens generated, reply and fresh samples together.
        samples: number of fresh samples.
        meanings: what the fresh samples and the reply itself answer.
        kept: confidence in [0, 1] that is read behind answer and rationale; `None` where there is
            no rationale or the sampler gives no log-probabilities.
        dropped: the same behind the answer without any rationale.
        swapped: the same behind the answer and another question's rationale.
    """

    question_id: str
    response: str
    answer: str | None
    rationale: str | None
    correct: float | None
    tokens: int
    samples: int
    meanings: tuple[Meaning, ...]
    kept: float | None = None
    dropped: float | None = None
    swapped: float | None = None


@dataclass(frozen=True)
class Grade:
    """What a language model thinks of a rationale, from 0 to 10; `None` if it could not be read."""

    question_id: str
    grade: float | None


@dataclass(frozen=True)
class Score:
    """A metric's value with its 95 % interval.

    Attributes:
        value: `None` where the metric is not defined (AUROC of one class).
        low, high: ends of the interval; `None` with `value`, for counts, and where too few
            resamples are defined.
        debiased: for metrics to which sampling noise only adds, such as ECE: the true value for
            which the observed one is the median; `None` for others.
        by_chance: for the same metrics, the mean value if the true one is 0.
        p: for the same metrics, the chance of a value that is no less than the observed one if
            the true one is 0.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    debiased: float | None = None
    by_chance: float | None = None
    p: float | None = None
