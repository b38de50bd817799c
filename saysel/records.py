"""The typed records that pass between the stages.

Confidence is a float in [0, 1] everywhere; only a Format knows about tenths or percent. A
confidence that could not be parsed is `None` and stays `None`: it is counted, never replaced.
Every record is a frozen dataclass and one Parquet schema (see `saysel.storage.shards`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypedDict

#: The finish reason of a response that reached the token limit.
CUT = "length"
#: The accepted answer of a question that has no answer: declining is right.
UNANSWERABLE = "unanswerable"


class Message(TypedDict):
    """One turn of a chat, in the shape that every chat template takes."""

    role: Literal["system", "user", "assistant"]
    content: str


#: A chat up to the response.
Prompt = Sequence[Message]


@dataclass(frozen=True)
class ModelRef:
    """A reference to a causal language model.

    Attributes:
        path: a directory or a hub id.
        revision: commit of the hub repository, for ids only.
        adapter: directory or hub id of a PEFT adapter on top of it.
        dtype: `float32`, `bfloat16`, `float16` or `auto`.
        attention: attention implementation of transformers; `None`: its default.
        device_map: how accelerate places the layers on devices; `None`: all on one.
        quantization: `8bit` or `4bit` weights of bitsandbytes; `None`: not quantized.
        gguf: name of the GGUF file with weights and tokenizer in `path`; `None`: other files.
    """

    path: str
    revision: str | None = None
    adapter: str | None = None
    dtype: str = "auto"
    attention: str | None = None
    device_map: str | None = None
    quantization: str | None = None
    gguf: str | None = None


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


class TokenChoice(NamedTuple):
    """A token that a model could write.

    Attributes:
        text: the token as text.
        logprob: its log-probability at temperature 1, in nats.
    """

    text: str
    logprob: float


@dataclass(frozen=True)
class Generation:
    """One sample that a sampler returns for a prompt.

    Attributes:
        text: the decoded response, without special tokens.
        tokens: number of generated tokens, including the end-of-text token.
        logprob: sum of the tokens' log-probabilities at temperature 1, in nats; `None` if unknown.
        finish_reason: why generation ended, as in the OpenAI API: `stop`, `length` (the token
            limit was reached), `content_filter`, `tool_calls` …; `None`: unknown.
        choices: for each generated token, that token and then the most likely ones at its place;
            `None` unless the sampler was asked for them.
    """

    text: str
    tokens: int
    logprob: float | None = None
    finish_reason: str | None = None
    choices: tuple[tuple[TokenChoice, ...], ...] | None = None

    @property
    def cut(self) -> bool:
        """Whether it ended at the token limit, so that its last word may be incomplete."""
        return self.finish_reason == CUT


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


@dataclass(frozen=True)
class ReplyCounts:
    """How many replies could not be read, and why; one reply can be in several counts.

    Attributes:
        replies: all replies.
        no_answer: those without a readable answer that do not decline.
        no_confidence: those without a readable confidence that do not decline; `None` where they
            need not state one.
        cut: those that reached the token limit.
        empty: those without any text.
        sampled: questions with several replies.
        same_text: those of them whose replies all have the same text.
        declined: replies that decline to answer.
    """

    replies: int = 0
    no_answer: int = 0
    no_confidence: int | None = None
    cut: int = 0
    empty: int = 0
    sampled: int = 0
    same_text: int = 0
    declined: int = 0

    def __add__(self, other: ReplyCounts) -> ReplyCounts:
        stated = [c for c in (self.no_confidence, other.no_confidence) if c is not None]
        return ReplyCounts(
            replies=self.replies + other.replies,
            no_answer=self.no_answer + other.no_answer,
            no_confidence=sum(stated) if stated else None,
            cut=self.cut + other.cut,
            empty=self.empty + other.empty,
            sampled=self.sampled + other.sampled,
            same_text=self.same_text + other.same_text,
            declined=self.declined + other.declined,
        )


@dataclass(frozen=True)
class Prediction:
    """An estimator's answer to one question, and its confidence.

    Attributes:
        question_id: the question's id.
        response: the text that the answer was parsed from.
        answer: the parsed answer, `None` if it could not be parsed.
        rationale: the parsed rationale, `None` if there is none.
        confidence: in [0, 1], `None` if it could not be parsed.
        correct: in [0, 1]; `None` until judged, or where the judge failed.
        tokens: number of tokens generated, over all samples.
        shares: the distinct answers sampled, each with its share of the samples.
        finish_reason: of the response that the answer was parsed from, see `Generation`; where an
            estimator uses several turns, that of the first one that was cut.
        distinct_texts: number of distinct texts among the samples, for estimators that draw
            several; `None` for others.
        reply_counts: how many of all samples could be read; `None`: there is one reply, and the
            other fields describe it.
        declined: whether the model declines to answer; there is then no answer, and no confidence
            in one.
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
    reply_counts: ReplyCounts | None = None
    declined: bool = False


@dataclass(frozen=True)
class Meaning:
    """One of the answers that a model gives to a question, in all its wordings.

    Attributes:
        wordings: the distinct answers with this meaning.
        share: fraction of the fresh samples with this meaning, in [0, 1].
        own: whether it is the answer of the response whose rationale is measured.
    """

    wordings: tuple[str, ...]
    share: float
    own: bool


@dataclass(frozen=True)
class Reflection:
    """The rationale of a response, and what the same model answers when it is sampled again.

    Attributes:
        question_id: the question's id.
        response: the whole response.
        answer: the parsed answer, `None` if it could not be parsed.
        rationale: the parsed rationale, `None` if there is none.
        correct: correctness of the answer in [0, 1]; `None` where the judge failed.
        tokens: number of tokens generated, for the response and the fresh samples.
        samples: number of fresh samples.
        meanings: the answers of the fresh samples and of the response.
        kept: expected confidence in [0, 1] after answer and rationale; `None` if there is no
            rationale or the sampler gives no log-probabilities.
        dropped: the same after the answer without a rationale.
        swapped: the same after the answer and the rationale of another question.
        reply_counts: how many of the response and the fresh samples could be read.
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
    reply_counts: ReplyCounts | None = None


@dataclass(frozen=True)
class Grade:
    """A language model's grade of a rationale, from 0 to 10; `None` if it could not be parsed."""

    question_id: str
    grade: float | None


@dataclass(frozen=True)
class Score:
    """A metric's value with its 95 % interval.

    Attributes:
        value: `None` where the metric is undefined (AUROC of one class).
        low, high: ends of the interval; `None` if `value` is, for counts, and where too few
            resamples are defined.
        debiased: for metrics that sampling noise only increases, such as ECE: the true value for
            which the observed one is the median; `None` for others.
        by_chance: for the same metrics, the expected value if the true one is 0.
        p: for the same metrics, the probability of a value at least as large as the observed one
            if the true one is 0.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    debiased: float | None = None
    by_chance: float | None = None
    p: float | None = None


__all__ = [
    "CUT",
    "UNANSWERABLE",
    "Cluster",
    "Example",
    "Generation",
    "Grade",
    "Meaning",
    "Message",
    "ModelRef",
    "Prediction",
    "Prompt",
    "Question",
    "Rationale",
    "Reflection",
    "ReplyCounts",
    "Response",
    "Score",
    "TokenChoice",
]
