"""What an evaluation yields: predictions, rationales compared with fresh samples, scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
